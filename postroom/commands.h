/* The functions of the table in verbs.c; each file has a noun. */
#ifndef POSTROOM_COMMANDS_H
#define POSTROOM_COMMANDS_H

#include "postroom/invocation.h"

/* cmd_suite.c */
int cmd_status(const struct invocation *i);
int cmd_stop(const struct invocation *i);
int cmd_reload(const struct invocation *i);
/* cmd_config.c */
int cmd_config_check(const struct invocation *i);
int cmd_config_show(const struct invocation *i);
int cmd_config_explain(const struct invocation *i);
/* Hidden: what the man page and the sample configuration are made of. */
int cmd_config_man(const struct invocation *i);
int cmd_config_sample(const struct invocation *i);
/* cmd_backup.c */
int cmd_backup(const struct invocation *i);
/* cmd_import.c, cmd_export.c */
int cmd_mailbox_import(const struct invocation *i);
int cmd_mailbox_export(const struct invocation *i);
/* cmd_restore.c */
int cmd_restore(const struct invocation *i);
int cmd_check(const struct invocation *i);
/* cmd_user.c */
int cmd_user_password(const struct invocation *i);
int cmd_user_quota(const struct invocation *i);
/* cmd_user_cert.c */
int cmd_user_cert(const struct invocation *i);
/* cmd_msg.c */
int cmd_msg_list(const struct invocation *i);
int cmd_msg_deliver(const struct invocation *i);
int cmd_msg_undelete(const struct invocation *i);
/* cmd_protocols.c */
int cmd_protocols(const struct invocation *i);
/* cmd_trace.c */
int cmd_trace(const struct invocation *i);

#endif
