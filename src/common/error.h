/* Errors of the library.
 *
 * A library function returns 0 (or a count) when it did what it says, or one
 * of the negative codes below after leaving a message in the context given.
 * It never prints and never exits: programs do that, see program.h. */
#ifndef HAP_COMMON_ERROR_H
#define HAP_COMMON_ERROR_H

enum hap_code {
        HAP_OK = 0,
        HAP_ESYSTEM = -1, /* I/O, memory: a program exits 1 */
        HAP_EUSAGE = -2,  /* what the user asked cannot be: exits 2 */
        HAP_EINPUT = -3,  /* a bad or incompatible stream or model: exits 3 */
};

/* One line, lower case, no full stop: what could not be done, to what, why. */
struct hap_error {
        int code;
        char message[1024];
};

/* Sets the message and returns the code, so that a caller can write
 * `return hap_fail(err, HAP_EINPUT, "cannot read '%s': %s", name, why)`. */
int hap_fail(struct hap_error *err, int code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Puts "CONTEXT: " before the message that is there; returns its code. */
int hap_fail_within(struct hap_error *err, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Out of memory for `what`. */
int hap_fail_memory(struct hap_error *err, const char *what);

#endif
