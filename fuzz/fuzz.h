/*
 * A fuzz target is one file, fuzz_NAME.c, with this one function. With clang and
 * --enable-fuzzers it is linked with libFuzzer; else with replay.c, and `make
 * check` runs it over fuzz/seeds/NAME/. Found inputs are added there.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0; whatever is wrong ends in abort() or the sanitizer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
