/*
 * Nodes are numbers in arrays: messages first, then those that are only referred to
 * (dummies), then dummies that step 5 makes. Siblings are a list both ways, so that a
 * link can be cut wherever it is.
 */
#include <config.h>

#include "mailboxd/thread.h"

#include "common/arena.h"
#include "common/ipc_codec.h"
#include "common/siphash.h"

#include <stdlib.h>

#define NONE UINT32_MAX
/* Steps up the tree, for all links together, that look for a loop: where somebody
 * wrote References to make them many, later links are not made. */
#define STEPS_MAX 50000000

struct node {
	uint32_t parent, first, last, previous, next;
	uint32_t message;	/* NONE: a dummy */
};

struct threads {
	struct arena texts;
	struct thread_message *messages;
	size_t count, cap;
	struct node *nodes;
	size_t node_count, node_cap;
	/* ids, or subjects, by hash: nodes + 1, 0 is free */
	uint32_t *table;
	size_t table_size;
	struct slice *names;	/* of nodes: their id */
	struct siphash_key key;
	uint32_t *roots;	/* children of the root, NONE: gone */
	size_t root_count;
	uint32_t *scratch;
	uint32_t *latest;	/* REFS: of nodes: the message that came last */
	uint64_t steps;
};

struct threads *threads_new(void)
{
	struct threads *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->texts = (struct arena)ARENA_INIT(THREAD_TEXT_MAX);
	t->key = siphash_key_make();
	return t;
}

void threads_free(struct threads *t)
{
	if (!t)
		return;
	arena_clear(&t->texts);
	free(t->messages);
	free(t->nodes);
	free(t->table);
	free(t->names);
	free(t->roots);
	free(t->scratch);
	free(t->latest);
	free(t);
}

static enum status keep(struct threads *t, struct slice *text)
{
	if (text->len == 0)
		return ST_OK;
	if (text->len > t->texts.max - t->texts.used)
		return ST_LIMIT;
	*text = arena_copy(&t->texts, *text);
	return text->data ? ST_OK : ST_NO_MEMORY;
}

enum status threads_add(struct threads *t, const struct thread_message *m)
{
	struct thread_message *to, *grown;
	enum status st;

	if (t->count == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 256;

		if (t->count >= THREAD_NODES_MAX)
			return ST_LIMIT;
		grown = realloc(t->messages, cap * sizeof *grown);
		if (!grown)
			return ST_NO_MEMORY;
		t->messages = grown;
		t->cap = cap;
	}
	to = &t->messages[t->count];
	*to = *m;
	st = keep(t, &to->subject);
	if (st == ST_OK)
		st = keep(t, &to->message_id);
	if (st == ST_OK)
		st = keep(t, &to->refs);
	t->count += st == ST_OK;
	return st;
}

/* ---- order ------------------------------------------------------------------------- */

/* By sent date, then by place in the mailbox (section 2.2). */
static int compare_sent(const struct thread_message *a, const struct thread_message *b)
{
	if (a->sent != b->sent)
		return a->sent < b->sent ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* The message that a node is sorted by: of a dummy, its first child. */
static const struct thread_message *sort_message(const struct threads *t,
						 uint32_t node)
{
	const struct node *n = &t->nodes[node];

	if (n->message == NONE)
		n = &t->nodes[n->first];
	return &t->messages[n->message];
}

static int compare_nodes(const void *a, const void *b, void *arg)
{
	return compare_sent(sort_message(arg, *(const uint32_t *)a),
			    sort_message(arg, *(const uint32_t *)b));
}

static int compare_subjects(const void *a, const void *b, void *arg)
{
	const struct threads *t = arg;
	const struct thread_message *x = &t->messages[*(const uint32_t *)a];
	const struct thread_message *y = &t->messages[*(const uint32_t *)b];
	int order = slice_compare(x->subject, y->subject);

	return order ? order : compare_sent(x, y);
}

/* ---- what is told -------------------------------------------------------------------- */

static enum status put(struct buf *out, uint32_t token)
{
	char *at;
	enum status st = buf_reserve(out, sizeof token, &at);

	if (st != ST_OK)
		return st;
	ipc_put_u32(at, token);
	out->len += sizeof token;
	return ST_OK;
}

/* Where the way goes on from a node whose descendants are told; closes what ends. */
static enum status climb(const struct threads *t, uint32_t *node, struct buf *out)
{
	enum status st = ST_OK;

	while (*node != NONE && st == ST_OK) {
		const struct node *n = &t->nodes[*node];
		bool is_single = n->parent != NONE && n->previous == NONE &&
				 n->next == NONE;

		/* an only child stands in its parent's parentheses */
		if (!is_single)
			st = put(out, THREAD_CLOSE);
		if (n->parent != NONE && n->next != NONE) {
			*node = n->next;
			return st == ST_OK ? put(out, THREAD_OPEN) : st;
		}
		*node = n->parent;
	}
	return st;
}

/* One thread. */
static enum status put_thread(const struct threads *t, uint32_t node,
			      struct buf *out)
{
	enum status st = put(out, THREAD_OPEN);

	while (node != NONE && st == ST_OK) {
		const struct node *n = &t->nodes[node];

		if (n->message != NONE)
			st = put(out, t->messages[n->message].uid);
		if (st != ST_OK)
			break;
		if (n->first == NONE) {
			st = climb(t, &node, out);
		} else {
			if (n->first != n->last)
				st = put(out, THREAD_OPEN);
			node = n->first;
		}
	}
	return st;
}

/* ---- ORDEREDSUBJECT --------------------------------------------------------------------- */

/* A thread of messages from..to of the order; all but the first are children. */
static enum status put_subject(const struct threads *t, const uint32_t *order,
			       size_t from, size_t to, struct buf *out)
{
	size_t children = to - from - 1;
	enum status st = put(out, THREAD_OPEN);

	for (size_t i = from; i < to && st == ST_OK; i++) {
		bool is_alone = i == from || children == 1;

		if (!is_alone)
			st = put(out, THREAD_OPEN);
		if (st == ST_OK)
			st = put(out, t->messages[order[i]].uid);
		if (st == ST_OK && !is_alone)
			st = put(out, THREAD_CLOSE);
	}
	return st == ST_OK ? put(out, THREAD_CLOSE) : st;
}

static int compare_firsts(const void *a, const void *b, void *arg)
{
	const struct threads *t = arg;

	return compare_sent(&t->messages[t->scratch[*(const uint32_t *)a]],
			    &t->messages[t->scratch[*(const uint32_t *)b]]);
}

static size_t end_of_subject(const struct threads *t, size_t from)
{
	const struct slice subject = t->messages[t->scratch[from]].subject;
	size_t to = from + 1;

	while (to < t->count && slice_eq(t->messages[t->scratch[to]].subject, subject))
		to++;
	return to;
}

enum status threads_by_subject(struct threads *t, struct buf *out)
{
	size_t n = t->count ? t->count : 1;
	enum status st = ST_OK;

	t->scratch = malloc(n * sizeof *t->scratch);
	t->roots = malloc(n * sizeof *t->roots);
	if (!t->scratch || !t->roots)
		return ST_NO_MEMORY;
	for (size_t i = 0; i < t->count; i++)
		t->scratch[i] = (uint32_t)i;
	qsort_r(t->scratch, t->count, sizeof *t->scratch, compare_subjects, t);
	t->root_count = 0;
	for (size_t i = 0; i < t->count; i = end_of_subject(t, i))
		t->roots[t->root_count++] = (uint32_t)i;
	qsort_r(t->roots, t->root_count, sizeof *t->roots, compare_firsts, t);
	for (size_t i = 0; i < t->root_count && st == ST_OK; i++)
		st = put_subject(t, t->scratch, t->roots[i],
				 end_of_subject(t, t->roots[i]), out);
	return st;
}

/* ---- REFERENCES: nodes and links ------------------------------------------------------------ */

static enum status add_node(struct threads *t, uint32_t message, struct slice name)
{
	if (t->node_count == t->node_cap) {
		size_t cap = t->node_cap ? t->node_cap * 2 : 1024;
		struct node *nodes;
		struct slice *names;

		if (t->node_count >= THREAD_NODES_MAX)
			return ST_LIMIT;
		nodes = realloc(t->nodes, cap * sizeof *nodes);
		if (nodes)
			t->nodes = nodes;
		names = realloc(t->names, cap * sizeof *names);
		if (names)
			t->names = names;
		if (!nodes || !names)
			return ST_NO_MEMORY;
		t->node_cap = cap;
	}
	t->nodes[t->node_count] = (struct node){ NONE, NONE, NONE, NONE, NONE, message };
	t->names[t->node_count++] = name;
	return ST_OK;
}

static void link_last(struct threads *t, uint32_t parent, uint32_t child)
{
	struct node *p = &t->nodes[parent], *c = &t->nodes[child];

	c->parent = parent;
	c->previous = p->last;
	c->next = NONE;
	if (p->last == NONE)
		p->first = child;
	else
		t->nodes[p->last].next = child;
	p->last = child;
}

static void unlink_child(struct threads *t, uint32_t child)
{
	struct node *c = &t->nodes[child], *p;

	if (c->parent == NONE)
		return;
	p = &t->nodes[c->parent];
	if (c->previous == NONE)
		p->first = c->next;
	else
		t->nodes[c->previous].next = c->next;
	if (c->next == NONE)
		p->last = c->previous;
	else
		t->nodes[c->next].previous = c->previous;
	c->parent = c->previous = c->next = NONE;
}

/* Whether node is child, or below it. */
static bool makes_loop(struct threads *t, uint32_t node, uint32_t child)
{
	if (node == child)
		return true;
	if (t->nodes[child].first == NONE)	/* nobody is below it */
		return false;
	while ((node = t->nodes[node].parent) != NONE)
		if (node == child || ++t->steps > STEPS_MAX)
			return true;
	return false;
}

/* ---- REFERENCES: ids --------------------------------------------------------------------------- */

static enum status make_table(struct threads *t, size_t entries)
{
	size_t size = 1024;

	while (size < entries * 2)
		size *= 2;
	free(t->table);
	t->table = calloc(size, sizeof *t->table);
	t->table_size = size;
	return t->table ? ST_OK : ST_NO_MEMORY;
}

static size_t slot_of(const struct threads *t, struct slice name)
{
	size_t i = siphash(&t->key, name) & (t->table_size - 1);

	while (t->table[i] && !slice_eq(t->names[t->table[i] - 1], name))
		i = (i + 1) & (t->table_size - 1);
	return i;
}

/* The table has room for twice the nodes. */
static enum status grow_table(struct threads *t)
{
	enum status st;

	if (t->node_count * 2 < t->table_size)
		return ST_OK;
	st = make_table(t, t->table_size);
	for (size_t i = 0; i < t->node_count && st == ST_OK; i++)
		if (t->names[i].len > 0)
			t->table[slot_of(t, t->names[i])] = (uint32_t)i + 1;
	return st;
}

/* A node a message; the first of an id has it (step 1.A). */
static enum status add_messages(struct threads *t)
{
	enum status st = make_table(t, t->count);

	for (size_t i = 0; i < t->count && st == ST_OK; i++) {
		struct slice id = t->messages[i].message_id;
		size_t slot = 0;

		if (id.len > 0) {
			slot = slot_of(t, id);
			if (t->table[slot])
				id = SLICE_EMPTY;
		}
		st = add_node(t, (uint32_t)i, id);
		if (st == ST_OK && id.len > 0)
			t->table[slot] = (uint32_t)i + 1;
	}
	return st;
}

/* The node with this id, made where there is none. */
static enum status find_id(struct threads *t, struct slice id, uint32_t *node)
{
	size_t slot = slot_of(t, id);
	enum status st;

	if (t->table[slot]) {
		*node = t->table[slot] - 1;
		return ST_OK;
	}
	st = grow_table(t);
	if (st == ST_OK)
		st = add_node(t, NONE, id);
	if (st != ST_OK)
		return st;
	*node = (uint32_t)t->node_count - 1;
	t->table[slot_of(t, id)] = *node + 1;
	return ST_OK;
}

/* Step 1 for one message. */
static enum status link_message(struct threads *t, uint32_t message)
{
	struct slice refs = t->messages[message].refs, id;
	uint32_t parent = NONE, node;

	if (refs.len == 0)
		refs = (struct slice){ NULL, 0 };
	while (slice_split(&refs, ' ', &id)) {
		enum status st = find_id(t, id, &node);

		if (st != ST_OK)
			return st;
		if (parent != NONE && t->nodes[node].parent == NONE &&
		    !makes_loop(t, parent, node))
			link_last(t, parent, node);
		parent = node;
	}
	unlink_child(t, message);
	if (parent != NONE && !makes_loop(t, parent, message))
		link_last(t, parent, message);
	return ST_OK;
}

/* ---- REFERENCES: pruning (steps 2 to 4) ------------------------------------------------------------ */

/* All nodes with a parent or children, parents in front of their children. */
static size_t list_nodes(struct threads *t)
{
	size_t count = 0;

	for (uint32_t root = 0; root < t->node_count; root++) {
		uint32_t node = root;

		if (t->nodes[root].parent != NONE)
			continue;
		while (node != NONE) {
			t->scratch[count++] = node;
			if (t->nodes[node].first != NONE) {
				node = t->nodes[node].first;
				continue;
			}
			while (node != NONE && t->nodes[node].next == NONE)
				node = t->nodes[node].parent;
			if (node != NONE)
				node = t->nodes[node].next;
		}
	}
	return count;
}

/* Its children take its place among its siblings. */
static void splice(struct threads *t, uint32_t node)
{
	struct node *n = &t->nodes[node], *p = &t->nodes[n->parent];

	if (n->first == NONE) {
		unlink_child(t, node);
		return;
	}
	for (uint32_t c = n->first; c != NONE; c = t->nodes[c].next)
		t->nodes[c].parent = n->parent;
	t->nodes[n->first].previous = n->previous;
	t->nodes[n->last].next = n->next;
	if (n->previous == NONE)
		p->first = n->first;
	else
		t->nodes[n->previous].next = n->first;
	if (n->next == NONE)
		p->last = n->last;
	else
		t->nodes[n->next].previous = n->last;
	n->parent = n->first = n->last = n->previous = n->next = NONE;
}

static void prune(struct threads *t)
{
	for (size_t i = list_nodes(t); i > 0; i--) {
		uint32_t node = t->scratch[i - 1];
		struct node *n = &t->nodes[node];

		if (n->message != NONE)
			continue;
		if (n->parent != NONE)
			splice(t, node);
		else if (n->first != NONE && n->first == n->last)
			unlink_child(t, n->first);
	}
}

/* Children in the order of their dates. */
static void sort_children(struct threads *t, uint32_t parent)
{
	struct node *p = &t->nodes[parent];
	size_t count = 0;

	if (p->first == p->last)
		return;
	for (uint32_t c = p->first; c != NONE; c = t->nodes[c].next)
		t->scratch[count++] = c;
	qsort_r(t->scratch, count, sizeof *t->scratch, compare_nodes, t);
	p->first = p->last = NONE;
	for (size_t i = 0; i < count; i++)
		link_last(t, parent, t->scratch[i]);
}

static void sort_roots(struct threads *t)
{
	size_t count = 0;

	for (size_t i = 0; i < t->root_count; i++) {
		uint32_t root = t->roots[i];

		if (root == NONE)
			continue;
		if (t->nodes[root].message == NONE)
			sort_children(t, root);
		t->roots[count++] = root;
	}
	t->root_count = count;
	qsort_r(t->roots, count, sizeof *t->roots, compare_nodes, t);
}

static void gather_roots(struct threads *t)
{
	t->root_count = 0;
	for (uint32_t i = 0; i < t->node_count; i++) {
		const struct node *n = &t->nodes[i];

		if (n->parent == NONE && (n->message != NONE || n->first != NONE))
			t->roots[t->root_count++] = i;
	}
}

/* ---- REFERENCES: subjects (step 5) -------------------------------------------------------------------- */

static struct slice thread_subject(const struct threads *t, size_t place)
{
	return sort_message(t, t->roots[place])->subject;
}

/* The table has places of roots + 1. */
static uint32_t *subject_slot(struct threads *t, struct slice subject)
{
	size_t i = siphash(&t->key, subject) & (t->table_size - 1);

	while (t->table[i] &&
	       !slice_eq(thread_subject(t, t->table[i] - 1), subject))
		i = (i + 1) & (t->table_size - 1);
	return &t->table[i];
}

static bool is_dummy(const struct threads *t, size_t place)
{
	return t->nodes[t->roots[place]].message == NONE;
}

static bool is_reply(const struct threads *t, size_t place)
{
	const struct node *n = &t->nodes[t->roots[place]];

	return n->message != NONE && t->messages[n->message].is_reply;
}

static enum status fill_subjects(struct threads *t)
{
	enum status st = make_table(t, t->root_count);

	for (size_t i = 0; i < t->root_count && st == ST_OK; i++) {
		struct slice subject = thread_subject(t, i);
		uint32_t *slot;

		if (subject.len == 0)
			continue;
		slot = subject_slot(t, subject);
		if (*slot && (is_dummy(t, *slot - 1) ||
			      !(is_dummy(t, i) ||
				(is_reply(t, *slot - 1) && !is_reply(t, i)))))
			continue;
		*slot = (uint32_t)i + 1;
	}
	return st;
}

/* The current thread at one place becomes part of that at another. */
static enum status merge(struct threads *t, size_t current, size_t other)
{
	uint32_t from = t->roots[current], to = t->roots[other];
	enum status st;

	if (is_dummy(t, current)) {	/* then the other is one too */
		while (t->nodes[from].first != NONE) {
			uint32_t child = t->nodes[from].first;

			unlink_child(t, child);
			link_last(t, to, child);
		}
	} else if (is_dummy(t, other) ||
		   (is_reply(t, current) && !is_reply(t, other))) {
		link_last(t, to, from);
	} else {
		st = add_node(t, NONE, SLICE_EMPTY);
		if (st != ST_OK)
			return st;
		t->roots[other] = (uint32_t)t->node_count - 1;
		link_last(t, t->roots[other], to);
		link_last(t, t->roots[other], from);
	}
	t->roots[current] = NONE;
	return ST_OK;
}

static enum status merge_subjects(struct threads *t)
{
	enum status st = fill_subjects(t);

	for (size_t i = 0; i < t->root_count && st == ST_OK; i++) {
		struct slice subject = thread_subject(t, i);
		uint32_t slot;

		if (subject.len == 0)
			continue;
		slot = *subject_slot(t, subject);
		if (slot - 1 != i)
			st = merge(t, i, slot - 1);
	}
	return st;
}

/* ---- REFERENCES ---------------------------------------------------------------------------------------- */

/* Steps 1 to 3: the roots of what the messages refer to. */
static enum status link_messages(struct threads *t)
{
	enum status st = add_messages(t);

	for (size_t i = 0; i < t->count && st == ST_OK; i++)
		st = link_message(t, (uint32_t)i);
	if (st != ST_OK || t->count == 0)
		return st;
	/* step 5 makes a dummy for two roots at most */
	t->scratch = malloc(t->node_count * 2 * sizeof *t->scratch);
	t->roots = malloc(t->node_count * 2 * sizeof *t->roots);
	if (!t->scratch || !t->roots)
		return ST_NO_MEMORY;
	prune(t);
	gather_roots(t);
	return ST_OK;
}

static void sort_all_children(struct threads *t)
{
	for (uint32_t i = 0; i < t->node_count; i++)
		if (t->nodes[i].first != NONE)
			sort_children(t, i);
}

static enum status put_threads(const struct threads *t, struct buf *out)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < t->root_count && st == ST_OK; i++)
		st = put_thread(t, t->roots[i], out);
	return st;
}

enum status threads_by_references(struct threads *t, struct buf *out)
{
	enum status st = link_messages(t);

	if (st != ST_OK || t->count == 0)
		return st;
	sort_roots(t);
	st = merge_subjects(t);
	if (st != ST_OK)
		return st;
	sort_all_children(t);
	sort_roots(t);
	return put_threads(t, out);
}

/* ---- REFS ------------------------------------------------------------------------------------------------ */

/* By INTERNALDATE, then by place in the mailbox. */
static int compare_arrivals(const struct threads *t, uint32_t a, uint32_t b)
{
	const struct thread_message *x = &t->messages[a], *y = &t->messages[b];

	if (x->arrival != y->arrival)
		return x->arrival < y->arrival ? -1 : 1;
	return a < b ? -1 : a > b;
}

static int compare_latest(const void *a, const void *b, void *arg)
{
	const struct threads *t = arg;

	return compare_arrivals(t, t->latest[*(const uint32_t *)a],
				t->latest[*(const uint32_t *)b]);
}

/* Of each node and what is below it; children come before their parents here. */
static enum status find_latest(struct threads *t)
{
	t->latest = malloc(t->node_count * sizeof *t->latest);
	if (!t->latest)
		return ST_NO_MEMORY;
	for (size_t i = 0; i < t->node_count; i++)
		t->latest[i] = t->nodes[i].message;
	for (size_t i = list_nodes(t); i > 0; i--) {
		uint32_t node = t->scratch[i - 1], parent = t->nodes[node].parent;

		if (parent != NONE && t->latest[node] != NONE &&
		    (t->latest[parent] == NONE ||
		     compare_arrivals(t, t->latest[parent], t->latest[node]) < 0))
			t->latest[parent] = t->latest[node];
	}
	return ST_OK;
}

enum status threads_by_refs(struct threads *t, struct buf *out)
{
	enum status st = link_messages(t);

	if (st != ST_OK || t->count == 0)
		return st;
	st = find_latest(t);
	if (st != ST_OK)
		return st;
	sort_all_children(t);
	qsort_r(t->roots, t->root_count, sizeof *t->roots, compare_latest, t);
	return put_threads(t, out);
}
