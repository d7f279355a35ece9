/*
 * Message flags as mailboxd keeps them: 64 bits, the system flags low and in
 * the high 32 the id of a keyword set of that mailbox (0: no keywords).
 * \Recent belongs to a session and has no bit.
 */
#ifndef COMMON_FLAGS_H
#define COMMON_FLAGS_H

#include <stdint.h>

#define FLAG_SEEN	UINT32_C(1)
#define FLAG_ANSWERED	UINT32_C(2)
#define FLAG_FLAGGED	UINT32_C(4)
#define FLAG_DELETED	UINT32_C(8)
#define FLAG_DRAFT	UINT32_C(16)
#define FLAGS_SYSTEM	UINT32_C(31)

static inline uint32_t flags_system(uint64_t flags)
{
	return (uint32_t)flags & FLAGS_SYSTEM;
}

static inline uint32_t flags_keyword_set(uint64_t flags)
{
	return (uint32_t)(flags >> 32);
}

static inline uint64_t flags_join(uint32_t system, uint32_t keyword_set)
{
	return (uint64_t)keyword_set << 32 | (system & FLAGS_SYSTEM);
}

#endif
