#include "imapd/commands.h"

#define AUTH	(1u << IMAP_STATE_AUTHENTICATED | 1u << IMAP_STATE_SELECTED)
#define SELECTED (1u << IMAP_STATE_SELECTED)
#define UID	IMAP_HAS_UID
#define NUMBERS	(IMAP_HAS_UID | IMAP_NUMBERS)

/* name, states that allow it, what may be told at its end, what it may overlap
 * with, flags, handler */
static const struct imap_command_row rows[] = {
	{ "APPEND",	 AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, IMAP_INPUT,
	  imap_cmd_append },
	{ "AUTHENTICATE", 0,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_refused },
	{ "CAPABILITY",	 AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_capability },
	{ "CHECK",	 SELECTED, IMAP_NEWS_FRESH,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_check },
	{ "CLOSE",	 SELECTED, IMAP_NEWS_NONE,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_close },
	{ "COMPRESS",	 AUTH,	   IMAP_NEWS_NONE,	IMAP_GROUP_ALONE, IMAP_INPUT,
	  imap_cmd_compress },
	{ "COPY",	 SELECTED, IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, NUMBERS,
	  imap_cmd_copy },
	{ "CREATE",	 AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_create },
	{ "DELETE",	 AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_delete },
	{ "ENABLE",	 AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_enable },
	{ "EXAMINE",	 AUTH,	   IMAP_NEWS_NONE,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_examine },
	{ "EXPUNGE",	 SELECTED, IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, UID | IMAP_WRITES,
	  imap_cmd_expunge },
	{ "FETCH",	 SELECTED, IMAP_NEWS_NO_EXPUNGE, IMAP_GROUP_FETCH, NUMBERS,
	  imap_cmd_fetch },
	{ "GETMETADATA", AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_getmetadata },
	{ "GETQUOTA",	 AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_getquota },
	{ "GETQUOTAROOT", AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_getquotaroot },
	{ "ID",		 AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_id },
	{ "IDLE",	 AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, IMAP_INPUT,
	  imap_cmd_idle },
	{ "LIST",	 AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_LIST, 0,
	  imap_cmd_list },
	{ "LOGIN",	 0,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_refused },
	{ "LOGOUT",	 AUTH,	   IMAP_NEWS_NONE,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_logout },
	{ "LSUB",	 AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_LIST, 0,
	  imap_cmd_lsub },
	{ "MOVE",	 SELECTED, IMAP_NEWS_ALL,	IMAP_GROUP_ALONE,
	  NUMBERS | IMAP_WRITES, imap_cmd_move },
	{ "NAMESPACE",	 AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_namespace },
	{ "NOOP",	 AUTH,	   IMAP_NEWS_FRESH,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_noop },
	{ "RENAME",	 AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_rename },
	{ "SEARCH",	 SELECTED, IMAP_NEWS_NO_EXPUNGE, IMAP_GROUP_ALONE, NUMBERS,
	  imap_cmd_search },
	{ "SELECT",	 AUTH,	   IMAP_NEWS_NONE,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_select },
	{ "SETMETADATA", AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_setmetadata },
	{ "SETQUOTA",	 AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_setquota },
	{ "SORT",	 SELECTED, IMAP_NEWS_NO_EXPUNGE, IMAP_GROUP_ALONE, NUMBERS,
	  imap_cmd_sort },
	{ "STARTTLS",	 0,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_refused },
	{ "STATUS",	 AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_LIST, 0,
	  imap_cmd_status },
	{ "STORE",	 SELECTED, IMAP_NEWS_NO_EXPUNGE, IMAP_GROUP_STORE,
	  NUMBERS | IMAP_WRITES, imap_cmd_store },
	{ "SUBSCRIBE",	 AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_subscribe },
	{ "THREAD",	 SELECTED, IMAP_NEWS_NO_EXPUNGE, IMAP_GROUP_ALONE, NUMBERS,
	  imap_cmd_thread },
	{ "UNSELECT",	 SELECTED, IMAP_NEWS_NONE,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_unselect },
	{ "UNSUBSCRIBE", AUTH,	   IMAP_NEWS_ALL,	IMAP_GROUP_ALONE, 0,
	  imap_cmd_unsubscribe },
};

const struct imap_command_row *imap_command_row(size_t i)
{
	return i < sizeof rows / sizeof *rows ? &rows[i] : NULL;
}

const struct imap_command_row *imap_command_find(struct slice name, bool uid)
{
	const struct imap_command_row *row;

	for (size_t i = 0; (row = imap_command_row(i)) != NULL; i++)
		if (slice_case_eq(name, slice_str(row->name)))
			break;
	if (row && (uid ? !(row->flags & (IMAP_HAS_UID | IMAP_ONLY_UID))
			: row->flags & IMAP_ONLY_UID))
		return NULL;
	return row;
}
