/* Unit tests in C: each file is a program that prints TAP.
 *
 *      TEST("a number with trailing characters is refused")
 *      {
 *              CHECK(hap_parse_int(...) < 0);
 *              CHECK_NEAR(x, 1.5, 1e-9);
 *      }
 *      RUN_TESTS
 *
 * CHECK_NEAR fails for NaN on either side. SKIP("why") ends a test whose requirements are
 * missing. */
#ifndef HAP_UNIT_H
#define HAP_UNIT_H

#include <math.h>
#include <stdio.h>
#include <string.h>

struct unit_test {
        const char *name;
        void (*run)(void);
};
static struct unit_test unit_tests[256];
static int unit_n, unit_failed;
static const char *unit_skipped;

#define UNIT_CAT_(a, b) a##b
#define UNIT_CAT(a, b) UNIT_CAT_(a, b)
#define TEST(title)                                                            \
        static void UNIT_CAT(test_, __LINE__)(void);                           \
        __attribute__((constructor)) static void UNIT_CAT(add_, __LINE__)(void) \
        {                                                                      \
                unit_tests[unit_n++] = (struct unit_test){                     \
                        title, UNIT_CAT(test_, __LINE__)};                     \
        }                                                                      \
        static void UNIT_CAT(test_, __LINE__)(void)

#define CHECK(what)                                                            \
        do {                                                                   \
                if (!(what)) {                                                 \
                        unit_failed = 1;                                       \
                        printf("# %s:%d: not so: %s\n", __FILE__, __LINE__,    \
                               #what);                                         \
                }                                                              \
        } while (0)
#define CHECK_NEAR(a, b, tolerance)                                            \
        do {                                                                   \
                double unit_a = (a), unit_b = (b);                             \
                if (!(fabs(unit_a - unit_b) <= (tolerance))) {                 \
                        unit_failed = 1;                                       \
                        printf("# %s:%d: %s is %.9g, %s is %.9g\n", __FILE__,  \
                               __LINE__, #a, unit_a, #b, unit_b);              \
                }                                                              \
        } while (0)
#define CHECK_TEXT(a, b)                                                       \
        do {                                                                   \
                const char *unit_a = (a), *unit_b = (b);                       \
                if (strcmp(unit_a, unit_b) != 0) {                             \
                        unit_failed = 1;                                       \
                        printf("# %s:%d: '%s' is not '%s'\n", __FILE__,        \
                               __LINE__, unit_a, unit_b);                      \
                }                                                              \
        } while (0)

#define SKIP(why)                                                              \
        do {                                                                   \
                unit_skipped = (why);                                          \
                return;                                                        \
        } while (0)

#define RUN_TESTS                                                              \
        int main(void)                                                         \
        {                                                                      \
                int failures = 0;                                              \
                setvbuf(stdout, NULL, _IOLBF, 0); /* no line is lost in a crash */  \
                printf("1..%d\n", unit_n);                                     \
                for (int i = 0; i < unit_n; i++) {                             \
                        unit_failed = 0;                                       \
                        unit_skipped = NULL;                                   \
                        unit_tests[i].run();                                   \
                        printf("%sok %d %s%s%s\n", unit_failed ? "not " : "",  \
                               i + 1, unit_tests[i].name,                      \
                               unit_skipped ? " # SKIP " : "",                 \
                               unit_skipped ? unit_skipped : "");              \
                        failures += unit_failed;                               \
                }                                                              \
                return failures != 0;                                          \
        }

#endif
