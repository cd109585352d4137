/* Words and sentences of generated prompts. Lists end with NULL. */
#ifndef HAP_TASK_TASK_WORDS_H
#define HAP_TASK_TASK_WORDS_H

/* First names that are given to men only, or to women only. */
extern const char *const hap_words_men[], *const hap_words_women[];
/* Words that "a" and "the" go before. */
extern const char *const hap_words_places[], *const hap_words_objects[];
extern const char *const hap_words_events[], *const hap_words_adjectives[];
extern const char *const hap_words_roles[];

/* {A} and {B} are the two people, {S} the one named again, {P} a place, {O} an object. No
 * sentence begins with a name, because the name would then have no space before it. */
extern const char *const hap_sentences_ioi[];
/* {E} is an event, {C} a century's two digits, {Y} the year's last two. */
extern const char *const hap_sentences_years[];
/* {N} is a name, {J} an adjective, {R} a role. */
extern const char *const hap_sentences_pronoun[];

#endif
