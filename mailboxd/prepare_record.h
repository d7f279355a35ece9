/*
 * The wire form of what prepare found out, for prepare.c and prepare_record.c
 * only: u8 version, u8 flags, u16 0, u32 size of the whole record, u64 size, u64
 * header size, i64 sent, i64 day, then a u32 length for each text below, then the
 * texts in that order. Little endian.
 */
#ifndef MAILBOXD_PREPARE_RECORD_H
#define MAILBOXD_PREPARE_RECORD_H

#include "mailboxd/prepare.h"

enum prepare_text {
	PREPARE_ENVELOPE, PREPARE_BODYSTRUCTURE, PREPARE_BODY, PREPARE_PARTS,
	PREPARE_PREVIEW, PREPARE_SUBJECT_BASE, PREPARE_FROM_SORT, PREPARE_TO_SORT,
	PREPARE_CC_SORT, PREPARE_MESSAGE_ID, PREPARE_REFS,
	PREPARE_TEXTS
};

/* Record octets in front of the texts. */
#define PREPARE_HEAD_OCTETS ((size_t)40 + 4 * PREPARE_TEXTS)

enum prepare_flag {
	PREPARE_IS_REPLY = 1,
};

/* Writes the head of a record of so many octets; texts are told by length. */
void prepare_record_head(char *at, uint32_t octets, const struct prepared *p,
			 const uint32_t lengths[PREPARE_TEXTS]);

#endif
