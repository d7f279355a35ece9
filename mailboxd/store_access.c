/* Rights in handles: who may do what with whose mailbox (RFC 4314 section 4). */
#include "mailboxd/store_priv.h"

uint64_t store_rights_generation(const struct store *store)
{
	return atomic_load(&store->rights_generation);
}

/* At once, for the jobs behind this one in its transaction; and once more after the
 * COMMIT, for a reader may have asked in between and been told what was. */
void rights_changed(struct tx *tx)
{
	tx->changed_rights = true;
	atomic_fetch_add(&tx->store->rights_generation, 1);
}

static enum status refused(struct tx *tx, uint32_t has)
{
	return has & STORE_RIGHT_LOOKUP ?
		tx_error(tx, ST_DENIED, "the right to do that was not given") :
		tx_error(tx, ST_NOT_FOUND, "no such mailbox");
}

enum status store_access_owner(struct tx *tx, uint64_t account, struct slice owner,
			       uint64_t *id)
{
	struct store_account found;
	enum status st;

	*id = account;
	if (owner.len == 0)
		return ST_OK;
	st = store_account_find(tx, owner, &found);
	if (st == ST_NOT_FOUND)
		return tx_error(tx, st, "no such mailbox");
	if (!st)
		*id = found.id;
	return st;
}

/* The generation of before the snapshot: what changed behind it is read again. */
static enum status resolve(struct tx *tx, struct store_access *a)
{
	a->generation = tx->mode == TX_READ ? tx->rights_began :
					      store_rights_generation(tx->store);
	return store_acl_rights(tx, a->mailbox, a->account, &a->rights);
}

enum status store_access_check(struct tx *tx, struct store_access *a, uint32_t needed)
{
	enum status st = ST_OK;

	if (store_access_is_owners(a))
		return ST_OK;
	if (a->generation != store_rights_generation(tx->store))
		st = resolve(tx, a);
	if (!st && (a->rights & needed) != needed)
		st = refused(tx, a->rights);
	return st;
}

enum status store_access_find(struct tx *tx, uint64_t account, struct slice owner,
			      struct slice name, uint32_t needed,
			      struct store_mailbox *m, struct store_access *a)
{
	enum status st;

	*a = (struct store_access){ .account = account };
	st = store_access_owner(tx, account, owner, &a->owner);
	if (!st)
		st = store_mailbox_find(tx, a->owner, name, m);
	if (st)
		return st;
	a->mailbox = m->id;
	a->rights = STORE_RIGHTS_ALL;
	if (store_access_is_owners(a))
		return ST_OK;
	st = resolve(tx, a);
	if (!st && (a->rights & needed) != needed)
		st = refused(tx, a->rights);
	return st;
}

/* ---- CREATE, DELETE, RENAME ---------------------------------------------------- */

/* The right k of the nearest mailbox above a name. Where there is none only the owner may
 * make it. */
static enum status may_make(struct tx *tx, uint64_t account, uint64_t owner,
			    struct slice in)
{
	struct slice name;
	uint64_t id;
	uint32_t rights;
	enum status st = mailbox_name(tx, in, &name);

	if (st)
		return st;
	for (size_t i = name.len - 1; i > 0; i--) {
		if (name.data[i] != '/')
			continue;
		st = mailbox_find_id(tx, owner, slice_head(name, i), &id);
		if (st == ST_NOT_FOUND)
			continue;
		if (!st)
			st = store_acl_rights(tx, id, account, &rights);
		return st || rights & STORE_RIGHT_CREATE ? st : refused(tx, rights);
	}
	return tx_error(tx, ST_NOT_FOUND, "no mailbox is above it");
}

enum status store_access_create(struct tx *tx, uint64_t account, struct slice owner,
				struct slice name, struct slice special_use,
				uint64_t *id)
{
	uint64_t whose;
	enum status st = store_access_owner(tx, account, owner, &whose);

	if (!st && whose != account)
		st = may_make(tx, account, whose, name);
	if (!st && whose != account && special_use.len)
		st = tx_error(tx, ST_DENIED, "special uses are the owner's");
	return st ? st : store_mailbox_create(tx, whose, name, special_use, id);
}

/* May it go, or move? */
static enum status may_remove(struct tx *tx, uint64_t account, struct slice owner,
			      struct slice name)
{
	struct store_access access;
	struct store_mailbox m;
	enum status st = store_access_find(tx, account, owner, name,
					   STORE_RIGHT_DELETE, &m, &access);

	if (!st && slice_eq(m.name, SLICE("INBOX")))
		st = tx_error(tx, ST_DENIED, "INBOX is its owner's");
	return st;
}

enum status store_access_delete(struct tx *tx, uint64_t account, struct slice owner,
				struct slice name)
{
	uint64_t whose;
	enum status st = store_access_owner(tx, account, owner, &whose);

	if (!st && whose != account)
		st = may_remove(tx, account, owner, name);
	return st ? st : store_mailbox_delete(tx, whose, name);
}

enum status store_access_rename(struct tx *tx, uint64_t account, struct slice owner,
				struct slice from, struct slice to)
{
	uint64_t whose;
	enum status st = store_access_owner(tx, account, owner, &whose);

	if (!st && whose != account)
		st = may_remove(tx, account, owner, from);
	if (!st && whose != account)
		st = may_make(tx, account, whose, to);
	return st ? st : store_mailbox_rename(tx, whose, from, to);
}
