/* Errors of the library.
 *
 * A library function returns 0 (or a count) on success, or one of the negative
 * codes below with a message in *err.
 * It never prints and never exits: programs do that, see program.h. */
#ifndef HAP_COMMON_ERROR_H
#define HAP_COMMON_ERROR_H

enum hap_code {
        HAP_OK = 0,
        HAP_ESYSTEM = -1, /* I/O, memory: a program exits 1 */
        HAP_EUSAGE = -2,  /* wrong usage: a program exits 2 */
        HAP_EINPUT = -3,  /* a bad or incompatible stream or model: a program exits 3 */
};

#define HAP_MESSAGE 1024 /* bytes of a message, with the terminator */

/* The message is one line, in lower case, without a full stop: what failed, with which
 * file, why. */
struct hap_error {
        int code;
        char message[HAP_MESSAGE];
};

/* Sets the message and returns the code, so that a caller can write
 * `return hap_fail(err, HAP_EINPUT, "cannot read '%s': %s", name, why)`. */
int hap_fail(struct hap_error *err, int code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Puts "CONTEXT: " before the message in *err; returns its code. */
int hap_fail_within(struct hap_error *err, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Puts the text after the message in *err; returns its code. */
int hap_fail_after(struct hap_error *err, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* The exit status of a program that fails with this code. */
int hap_exit_status(int code);

/* Out of memory for `what`; noted for the end of the program (common/memory.h). */
int hap_fail_memory(struct hap_error *err, const char *what);

#endif
