"""The programs of the zoo: RASP programs that make_zoo.py compiles with Tracr.

Each row of PROGRAMS is a name, what the program computes at every position, the vocabulary,
the number of tokens after BOS, and a function that makes the program. Rows of CHECKS are kept
for checking: no method of hap was chosen by them.
"""

from tracr.compiler import lib
from tracr.rasp import rasp

T, I = rasp.tokens, rasp.indices
EQ, LT, GT, LEQ, GEQ, NEQ, ALL = (
    rasp.Comparison.EQ, rasp.Comparison.LT, rasp.Comparison.GT, rasp.Comparison.LEQ,
    rasp.Comparison.GEQ, rasp.Comparison.NEQ, rasp.Comparison.TRUE)
ABC, DIGITS, PARENS = ("a", "b", "c"), (1, 2, 3), ("(", ")", "x")


def number(sop):
    return rasp.numerical(sop)


def share(condition, which=LEQ):
    """The fraction of positions (so far, with LEQ) at which the condition holds."""
    return number(rasp.Aggregate(rasp.Select(I, I, which), number(condition), default=0))


def width(keys, queries, predicate):
    return rasp.SelectorWidth(rasp.Select(keys, queries, predicate))


def move(predicate, sop=T):
    """The value at the one position whose index the predicate selects."""
    return rasp.Aggregate(rasp.Select(I, I, predicate), sop)


def with_index():
    return rasp.SequenceMap(lambda x, i: (x, i), T, I)


def before(same):
    """The number of earlier tokens x with same(x, this token)."""
    pair = with_index()
    return width(pair, pair, lambda k, q: same(k[0], q[0]) and k[1] < q[1])


def last_token():
    return rasp.Aggregate(rasp.Select(I, lib.make_length() - 1, EQ), T)


def ranked(order, unique=LT):
    """The token whose rank (number of tokens below it) is the order's value."""
    return rasp.Aggregate(rasp.Select(width(T, T, unique), order, EQ), T)


def hist():
    return lib.make_hist()


def mirrored():
    return rasp.SequenceMap(lambda x, y: int(x == y), T, lib.make_reverse(T))


def everywhere(condition):
    """The fraction of all positions at which the condition, 0 or 1, holds."""
    return share(rasp.Map(lambda x: x, condition), ALL)


def at_least(sop, least):
    return rasp.categorical(rasp.Map(lambda f: int(f > least), sop))


def rotated():
    follower = rasp.SequenceMap(lambda i, n: (i + 1) % max(n, 1), I, lib.make_length())
    return rasp.Aggregate(rasp.Select(I, follower, EQ), T)


def peak():
    left = rasp.SequenceMap(lambda x, y: x if y is None or x > y else 0, T,
                            move(lambda k, q: k == q - 1))
    return rasp.SequenceMap(lambda x, y: int(x > (y or 0)), left, move(lambda k, q: k == q + 1))


def balance():
    return lib.make_pair_balance(T, "(", ")")


def never_negative():
    negative = rasp.Map(lambda d: int(d < 0), balance())
    return at_least(number(rasp.Map(lambda f: 1 - f, everywhere(rasp.categorical(negative)))), .99)


PROGRAMS = [
    # one token at a time
    ("is-a", "1 if the token is a", ABC, 4, lambda: rasp.Map(lambda x: int(x == "a"), T)),
    ("successor", "the next digit, cyclically", DIGITS, 4, lambda: rasp.Map(lambda x: x % 3 + 1, T)),
    ("square", "the token's square modulo 5", DIGITS, 4, lambda: rasp.Map(lambda x: x * x % 5, T)),
    ("twice-successor", "the successor of the successor's square modulo 5", DIGITS, 4,
     lambda: rasp.Map(lambda x: x + 1, rasp.Map(lambda x: x * x % 5, T))),
    ("add-index", "token + position", DIGITS, 4, lambda: rasp.SequenceMap(lambda x, i: x + i, T, I)),
    ("caesar", "the token moved on by its position, modulo 3", DIGITS, 4,
     lambda: rasp.SequenceMap(lambda x, i: (x + i) % 3, T, I)),
    ("even-places", "the token at even positions, else 0", DIGITS, 4,
     lambda: rasp.SequenceMap(lambda x, i: x if i % 2 == 0 else 0, T, I)),
    ("above-index", "1 if the token is greater than its position", DIGITS, 4,
     lambda: rasp.SequenceMap(lambda x, i: int(x > i), T, I)),
    # fractions
    ("share-a", "the fraction of a so far", ABC, 4, lambda: share(T == "a")),
    ("share-not-a", "the fraction of tokens so far that are not a", ABC, 4, lambda: share(T != "a")),
    ("share-even", "the fraction of even digits so far", DIGITS, 4,
     lambda: share(rasp.Map(lambda x: x % 2 == 0, T))),
    ("share-all", "the fraction of a in the whole sequence", ABC, 4, lambda: share(T == "a", ALL)),
    ("share-rest", "the fraction of a from here on", ABC, 4, lambda: share(T == "a", GEQ)),
    ("share-difference", "the fraction of a minus that of b, so far", ABC, 4,
     lambda: number(rasp.LinearSequenceMap(share(T == "a"), share(T == "b"), 1, -1))),
    ("share-weighted", "the fraction of a plus half of that of b, so far", ABC, 4,
     lambda: number(rasp.LinearSequenceMap(share(T == "a"), share(T == "b"), 1, .5))),
    ("more-a-than-b", "1 if there are more a than b so far", ABC, 4,
     lambda: rasp.categorical(rasp.Map(lambda d: int(d > 0), number(
         rasp.LinearSequenceMap(share(T == "a"), share(T == "b"), 1, -1))))),
    ("balance", "the fraction of ( minus that of ), so far", PARENS, 4, balance),
    ("unbalanced", "1 if more ) than ( so far", PARENS, 4,
     lambda: rasp.categorical(rasp.Map(lambda d: int(d < 0), balance()))),
    # counting
    ("one-a", "1 if exactly one token is a", ABC, 4,
     lambda: rasp.Map(lambda n: int(n == 1), lib.make_count(T, "a"))),
    ("hist", "how often this token occurs", ABC, 4, hist),
    ("count-a", "the number of a", ABC, 4, lambda: lib.make_count(T, "a")),
    ("count-smaller", "the number of smaller tokens", DIGITS, 4, lambda: width(T, T, LT)),
    ("count-greater", "the number of greater tokens", DIGITS, 4, lambda: width(T, T, GT)),
    ("count-other", "the number of other tokens", ABC, 4, lambda: width(T, T, NEQ)),
    ("count-parity", "the number of a modulo 2", ABC, 4,
     lambda: rasp.Map(lambda n: n % 2, lib.make_count(T, "a"))),
    ("count-before", "how often this token occurred before", ABC, 4,
     lambda: before(lambda k, q: k == q)),
    ("majority", "1 if more than half of the tokens are a", ABC, 4,
     lambda: rasp.SequenceMap(lambda n, all: int(2 * n > all), lib.make_count(T, "a"),
                              lib.make_length())),
    # duplicates and frequencies
    ("duplicate", "1 if the token occurs more than once", ABC, 4,
     lambda: rasp.Map(lambda n: int(n > 1), hist())),
    ("seen-before", "1 if the token occurred before", ABC, 4,
     lambda: rasp.Map(lambda n: int(n > 0), before(lambda k, q: k == q))),
    ("most-frequent", "1 if no token is more frequent", ABC, 4,
     lambda: rasp.Map(lambda n: int(n == 0), width(hist(), hist(), GT))),
    ("rare-tokens", "the number of tokens that occur once", ABC, 4,
     lambda: lib.make_count_less_freq(1)),
    # moving tokens
    ("shift", "the previous token", ABC, 4, lambda: move(lambda k, q: k == q - 1)),
    ("shift-two", "the token two before", ABC, 5, lambda: move(lambda k, q: k == q - 2)),
    ("next", "the next token", ABC, 4, lambda: move(lambda k, q: k == q + 1)),
    ("swap-pairs", "the other token of each pair", ABC, 4, lambda: move(lambda k, q: k == q ^ 1)),
    ("first", "the first token", ABC, 4, lambda: move(lambda k, q: k == 0)),
    ("last", "the last token", ABC, 4, last_token),
    ("reverse", "the sequence backwards", ABC, 4, lambda: lib.make_reverse(T)),
    # comparing
    ("same-as-previous", "1 if the token equals the previous one", ABC, 4,
     lambda: rasp.SequenceMap(lambda x, y: int(x == y), T, move(lambda k, q: k == q - 1))),
    ("ascending", "1 if the token is greater than the previous one", DIGITS, 4,
     lambda: rasp.SequenceMap(lambda x, y: int(y is not None and x > y), T,
                              move(lambda k, q: k == q - 1))),
    ("same-as-first", "1 if the token equals the first", ABC, 4,
     lambda: rasp.SequenceMap(lambda x, y: int(x == y), T, move(lambda k, q: k == 0))),
    ("mirror", "1 if the token equals the one as far from the end", ABC, 4, mirrored),
    ("pattern-ab", "1 if a and then this b", ABC, 4,
     lambda: rasp.SequenceMap(lambda x, y: int(x == "b" and y == "a"), T,
                              move(lambda k, q: k == q - 1))),
    # sorting
    ("sort", "the tokens in order, all different", (1, 2, 3, 4), 3,
     lambda: lib.make_sort_unique(T, T)),
    ("minimum", "the smallest token, all different", (1, 2, 3, 4), 3,
     lambda: ranked(rasp.Map(lambda i: 0, I))),
    ("sort-ties", "the tokens in order", DIGITS, 4,
     lambda: lib.make_sort(T, T, max_seq_len=4, min_key=1)),
    # longer programs
    ("palindrome", "1 if the sequence is a palindrome", ABC, 4,
     lambda: at_least(everywhere(mirrored()), .99)),
    ("distinct-share", "the number of different tokens by that of tokens", ABC, 4,
     lambda: everywhere(rasp.Map(lambda n: int(n == 0), before(lambda k, q: k == q)))),
    ("has-duplicates", "1 if some token occurs more than once", ("a", "b", "c", "d"), 3,
     lambda: at_least(everywhere(rasp.Map(lambda n: int(n > 1), hist())), 0)),
    ("pattern-abc", "1 if a, b and then this c", ABC, 4, lambda: lib.detect_pattern(T, "abc")),
    ("never-negative", "1 if no position has had more ) than (", ("(", ")"), 4, never_negative),
    ("rotate", "the next token, the first at the end", ABC, 4, rotated),
    ("peak", "1 if the token is greater than both neighbours", DIGITS, 4, peak),
]

CHECKS = [
    ("is-not-b", "1 if the token is not b", ABC, 4, lambda: rasp.Map(lambda x: int(x != "b"), T)),
    ("product-index", "token times position, modulo 4", DIGITS, 4,
     lambda: rasp.SequenceMap(lambda x, i: x * i % 4, T, I)),
    ("share-vowels", "the fraction of a and e so far", ("a", "b", "e"), 4,
     lambda: share(rasp.Map(lambda x: x in "ae", T))),
    ("share-others", "the fraction of b in the whole sequence", ABC, 5, lambda: share(T == "b", ALL)),
    ("share-sum", "the fraction of a plus that of b, so far, halved", ABC, 4,
     lambda: number(rasp.LinearSequenceMap(share(T == "a"), share(T == "b"), .5, .5))),
    ("few-a", "1 if at most a third of the tokens so far are a", ABC, 4,
     lambda: rasp.categorical(rasp.Map(lambda f: int(f < .4), share(T == "a")))),
    ("count-two", "the number of 2", DIGITS, 4, lambda: lib.make_count(T, 2)),
    ("count-at-most", "the number of tokens that are not greater", DIGITS, 4,
     lambda: width(T, T, LEQ)),
    ("smaller-before", "the number of smaller tokens before", DIGITS, 4,
     lambda: before(lambda k, q: k < q)),
    ("last-is-a", "1 if the last token is a", ABC, 4,
     lambda: rasp.Map(lambda x: int(x == "a"), last_token())),
    ("single", "1 if the token occurs once", ABC, 4, lambda: rasp.Map(lambda n: int(n == 1), hist())),
    ("hist-parity", "how often the token occurs, modulo 2", ABC, 4,
     lambda: rasp.Map(lambda n: n % 2, hist())),
    ("all-but-one", "1 if all tokens but one are a", ABC, 4,
     lambda: rasp.SequenceMap(lambda n, all: int(n == all - 1), lib.make_count(T, "a"),
                              lib.make_length())),
    ("shift-three", "the token three before", ABC, 5, lambda: move(lambda k, q: k == q - 3)),
    ("second", "the second token", ABC, 4, lambda: move(lambda k, q: k == 1)),
    ("fold", "the token at half the position", ABC, 4, lambda: move(lambda k, q: k == q // 2)),
    ("same-as-next", "1 if the token equals the next one", ABC, 4,
     lambda: rasp.SequenceMap(lambda x, y: int(x == y), T, move(lambda k, q: k == q + 1))),
    ("sum-previous", "the token plus the previous one", DIGITS, 4,
     lambda: rasp.SequenceMap(lambda x, y: x + (y or 0), T, move(lambda k, q: k == q - 1))),
    ("below-last", "1 if the token is less than the last", DIGITS, 4,
     lambda: rasp.SequenceMap(lambda x, y: int(x < y), T, last_token())),
    ("xor-swap", "token of the pair, both added modulo 3", DIGITS, 4,
     lambda: rasp.SequenceMap(lambda x, y: (x + y) % 3, T, move(lambda k, q: k == q ^ 1))),
    ("sort-down", "the tokens in descending order, all different", (1, 2, 3, 4), 3,
     lambda: rasp.Aggregate(rasp.Select(width(T, T, GT), I, EQ), T)),
    ("maximum", "the greatest token, all different", (1, 2, 3, 4), 3,
     lambda: ranked(rasp.Map(lambda i: 0, I), GT)),
    ("middle", "the middle token of three, all different", (1, 2, 3, 4), 3,
     lambda: ranked(rasp.Map(lambda i: 1, I))),
    ("sort-frequency", "the tokens by frequency", ABC, 4, lambda: lib.make_sort_freq(4)),
    ("mirror-share", "the fraction of tokens equal to the one as far from the end", ABC, 4,
     lambda: everywhere(mirrored())),
    ("hist-previous", "how often the previous token occurs", ABC, 4,
     lambda: move(lambda k, q: k == q - 1, hist())),
    ("pattern-aba", "1 if a, b and then this a", ABC, 4, lambda: lib.detect_pattern(T, "aba")),
]
