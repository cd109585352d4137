#include "common/printable.h"

#include <stdbool.h>

#include "unit.h"

static bool printed_as(const char *text, const char *expected)
{
        char out[100];

        hap_printable(text, out, sizeof out);
        return strcmp(out, expected) == 0;
}

TEST("text in any script is unchanged")
{
        CHECK(printed_as("a0.h1 → m2: „π“ 漢字 🙂\\", "a0.h1 → m2: „π“ 漢字 🙂\\"));
        CHECK(printed_as("", ""));
}

TEST("control characters and marks of direction are escaped")
{
        CHECK(printed_as("\033]0;x\007\r\n\177", "\\x1b]0;x\\x07\\x0d\\x0a\\x7f"));
        CHECK(printed_as("a\302\233b", "a\\u009bb"));         /* C1: CSI */
        CHECK(printed_as("\342\200\256x", "\\u202ex"));       /* right-to-left override */
}

TEST("bytes that are not UTF-8 are escaped")
{
        CHECK(printed_as("\377\200a", "\\xff\\x80a"));
        CHECK(printed_as("\300\201", "\\xc0\\x81"));          /* overlong */
        CHECK(printed_as("\355\240\200", "\\xed\\xa0\\x80")); /* a surrogate */
        CHECK(printed_as("\342\200", "\\xe2\\x80"));          /* cut */
        CHECK(printed_as("\233", "\\x9b"));                   /* CSI as one byte */
}

TEST("text that does not fit is cut between characters")
{
        char out[8];

        hap_printable("12345\342\200\256", out, sizeof out);
        CHECK(strcmp(out, "12345") == 0);
        hap_printable("123456π", out, sizeof out);
        CHECK(strcmp(out, "123456") == 0);
}

RUN_TESTS
