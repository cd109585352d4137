/* Text from files and arguments, made safe for a terminal. */
#ifndef HAP_COMMON_PRINTABLE_H
#define HAP_COMMON_PRINTABLE_H

#include <stddef.h>

/* Copies the text to out ([size] bytes, always terminated, cut where it does not fit). Control
 * characters, bytes that are not UTF-8 and characters that change the direction of text are
 * written as \x1b or \u202e, so that a file's name or content cannot control the terminal. */
void hap_printable(const char *text, char *out, size_t size);

#endif
