#include "task/task_words.h"

#include <stddef.h>

const char *const hap_words_men[] = {
        "Adam",    "Alan",    "Albert",  "Andrew",  "Anthony", "Arthur",  "Ben",
        "Bill",    "Bob",     "Brian",   "Bruce",   "Carl",    "Charles", "Chris",
        "Colin",   "Daniel",  "David",   "Dennis",  "Donald",  "Edward",  "Eric",
        "Felix",   "Frank",   "Fred",    "Gary",    "George",  "Gerald",  "Greg",
        "Harold",  "Harry",   "Henry",   "Howard",  "Hugh",    "Ian",     "Ivan",
        "Jack",    "Jacob",   "James",   "Jason",   "Jeff",    "Jeremy",  "Jerry",
        "Jim",     "Joe",     "John",    "Joseph",  "Joshua",  "Keith",   "Ken",
        "Kevin",   "Larry",   "Leo",     "Leonard", "Louis",   "Luke",    "Marcus",
        "Martin",  "Matthew", "Max",     "Michael", "Mike",    "Nathan",  "Neil",
        "Nick",    "Norman",  "Oliver",  "Oscar",   "Patrick", "Paul",    "Peter",
        "Philip",  "Ralph",   "Ray",     "Richard", "Robert",  "Roger",   "Ron",
        "Roy",     "Samuel",  "Scott",   "Simon",   "Stephen", "Steve",   "Stuart",
        "Ted",     "Thomas",  "Tim",     "Tom",     "Tony",    "Victor",  "Vincent",
        "Walter",  "Warren",  "William", NULL,
};

const char *const hap_words_women[] = {
        "Alice",     "Amanda",    "Amy",      "Andrea",   "Angela",  "Ann",      "Anna",
        "Anne",      "Annie",     "Barbara",  "Betty",    "Caroline", "Carol",   "Catherine",
        "Charlotte", "Christina", "Christine", "Claire",  "Clara",   "Cynthia",  "Deborah",
        "Diana",     "Donna",     "Dorothy",  "Edith",    "Elena",   "Elizabeth", "Ella",
        "Ellen",     "Emily",     "Emma",     "Eva",      "Fiona",   "Florence", "Frances",
        "Hannah",    "Helen",     "Irene",    "Jane",     "Janet",   "Jennifer", "Jenny",
        "Jessica",   "Joan",      "Judith",   "Judy",     "Julia",   "Julie",    "Karen",
        "Kate",      "Katherine", "Kathy",    "Laura",    "Lauren",  "Linda",    "Lisa",
        "Louise",    "Lucy",      "Margaret", "Maria",    "Marie",   "Martha",   "Mary",
        "Megan",     "Melissa",   "Michelle", "Molly",    "Monica",  "Nancy",    "Naomi",
        "Natalie",   "Nicole",    "Nina",     "Nora",     "Olivia",  "Pamela",   "Patricia",
        "Paula",     "Rachel",    "Rebecca",  "Rita",     "Ruth",    "Sally",    "Samantha",
        "Sandra",    "Sarah",     "Sharon",   "Sophia",   "Sophie",  "Stephanie", "Sue",
        "Susan",     "Teresa",    "Tina",     "Ursula",   "Vanessa", "Victoria", "Wendy",
        NULL,
};

const char *const hap_words_places[] = {
        "airport", "bakery",  "bank",    "bar",        "beach",   "bridge",   "castle",
        "church",  "clinic",  "college", "factory",    "farm",    "gallery",  "garden",
        "gym",     "harbor",  "hospital", "hotel",     "house",   "lake",     "library",
        "mall",    "market",  "museum",  "office",     "palace",  "park",     "pool",
        "port",    "restaurant", "river", "school",    "shop",    "stadium",  "station",
        "store",   "studio",  "theater", "university", "village", NULL,
};

const char *const hap_words_objects[] = {
        "bag",    "ball",   "basket", "book",    "bottle", "bowl",   "box",     "cake",
        "camera", "candle", "card",   "chair",   "clock",  "coat",   "coin",    "computer",
        "cup",    "dress",  "drink",  "flower",  "gift",   "guitar", "hammer",  "hat",
        "key",    "knife",  "lamp",   "letter",  "map",    "mirror", "newspaper", "note",
        "pen",    "phone",  "photo",  "picture", "plate",  "ring",   "shirt",   "ticket",
        "toy",    "watch",  NULL,
};

const char *const hap_words_events[] = {
        "war",         "siege",      "trial",      "debate",       "voyage",    "strike",
        "project",     "reform",     "revolt",     "rebellion",    "conflict",  "dispute",
        "campaign",    "mission",    "search",     "journey",      "expedition", "study",
        "survey",      "construction", "repair",   "restoration",  "drought",   "famine",
        "plague",      "epidemic",   "occupation", "blockade",     "negotiation", "partnership",
        "contract",    "treaty",     "truce",      "alliance",     "marriage",  "friendship",
        "feud",        "rivalry",    "reign",      "career",       "training",  "research",
        "experiment",  "program",    "festival",   "tour",         "exhibition", "tradition",
        "custom",      "boom",       "crisis",     "depression",   "recovery",  "expansion",
        "migration",   "settlement", "colony",     "monopoly",     "tax",       "ban",
        "investigation", "struggle", "movement",   "correspondence", NULL,
};

const char *const hap_words_adjectives[] = {
        "good",  "great", "kind",     "nice",   "clever",  "brave",    "quiet",  "young",
        "poor",  "rich",  "famous",   "busy",   "careful", "friendly", "gentle", "happy",
        "loyal", "lucky", "patient",  "polite", "proud",   "serious",  "strong", "talented",
        "tired", "wise",  "popular",  "local",  "strange", "bright",   NULL,
};

const char *const hap_words_roles[] = {
        "friend",  "teacher",  "singer",   "doctor",  "cook",     "player",   "student",
        "writer",  "painter",  "lawyer",   "driver",  "dancer",   "reader",   "neighbor",
        "guest",   "scientist", "manager", "leader",  "partner",  "runner",   "swimmer",
        "baker",   "judge",    "pilot",    "poet",    "reporter", "farmer",   "colleague",
        "speaker", "gardener", NULL,
};

const char *const hap_sentences_ioi[] = {
        "When {A} and {B} arrived at the {P}, {S} handed the {O} to",
        "After {A} and {B} had lunch at the {P}, {S} offered a {O} to",
        "As {A} and {B} were leaving the {P}, {S} gave the {O} to",
        "While {A} and {B} waited outside the {P}, {S} handed a {O} to",
        "Yesterday {A} and {B} walked to the {P}, and {S} gave a {O} to",
        "Once {A} and {B} had sat down in the {P}, {S} lent a {O} to",
        "Last week {A} and {B} met near the {P}. Before leaving, {S} gave a {O} to",
        "Since {A} and {B} were both at the {P}, {S} decided to give a {O} to",
        "This morning {A} and {B} were talking in the {P} when {S} handed the {O} to",
        "Because {A} and {B} were bored at the {P}, {S} gave a {O} to",
        "Some years ago {A} and {B} worked at the {P}, and {S} gave a {O} to",
        "Everyone saw {A} and {B} at the {P}. It was there that {S} gave a {O} to",
        "On Monday {A} and {B} cleaned the {P}. Then {S} gave the {O} to",
        "Although {A} and {B} had argued at the {P}, {S} still gave the {O} to",
        "During the break {A} and {B} sat behind the {P}, and {S} showed a {O} to",
        "By the time {A} and {B} reached the {P}, {S} had given the {O} to",
        "It was late when {A} and {B} came out of the {P}, so {S} gave a {O} to",
        "Long after {A} and {B} had left the {P}, {S} sent a {O} to",
        NULL,
};

const char *const hap_sentences_years[] = {
        "The {E} started in {C}{Y} and finished in {C}",
        "From {C}{Y} the {E} went on until the year {C}",
        "The {E} began in the year {C}{Y} and came to an end in the year {C}",
        "People say that the {E} ran from {C}{Y} until {C}",
        "Having begun in {C}{Y}, the {E} was over by {C}",
        "The long {E} continued from {C}{Y} up to {C}",
        "Records show that the {E} lasted from {C}{Y} till {C}",
        "It was {C}{Y} when the {E} began, and it ended in {C}",
        "The {E} of {C}{Y} was not over until {C}",
        "Although the {E} started in {C}{Y}, it only stopped in {C}",
        "The {E} that began in {C}{Y} went on to {C}",
        "In the year {C}{Y} the {E} was new; it lasted until {C}",
        NULL,
};

const char *const hap_sentences_pronoun[] = {
        "Everyone says {N} is a very {J} {R}, isn't",
        "Back then {N} was a rather {J} {R}, wasn't",
        "By now {N} has become a {J} {R}, hasn't",
        "It seems {N} will be a {J} {R}, won't",
        "The {J} {R} {N} stayed at home because",
        "Before {N} became a {J} {R},",
        "As soon as {N} met the {J} {R},",
        "People like {N}, the {J} {R}, because",
        "While {N} was working as a {J} {R},",
        "Last year {N} left the {J} {R}, and then",
        "Though {N} had always been a {J} {R}, nobody knew where",
        "We asked whether {N} was a {J} {R}, and",
        "When the {J} {R} called {N},",
        NULL,
};
