#!/usr/bin/env python3
"""Makes tests/golden/tokenizers: a small tokenizer of each family, texts, and
the ids that the tokenizers library (or sentencepiece) gives for them.

    python3 tests/golden/make_tokenizers.py

Needs tokenizers 0.21.4 or 0.22.2 (the output is the same), sentencepiece and gguf. Run by hand; its output is
committed. texts.bin holds each text as a 32-bit length and its bytes, broken
UTF-8 among them; what the libraries see of it is Python's
decode(errors="replace"). NAME.ids.gz has a line for each text: how many ids and
their CRC-32 (as little-endian int32), with special tokens and BOS; then the
same with special tokens taken as text and no BOS. `-` is unknown."""

import gzip
import io
import json
import random
import shutil
import struct
import unicodedata
import zlib
from pathlib import Path

import gguf
import sentencepiece
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers,
                        pre_tokenizers, processors, trainers)

HERE = Path(__file__).resolve().parent
OUT = HERE / "tokenizers"
MARK = "\u2581"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
         r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
          r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
          r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"  # a class within a class

PHRASES = """When Mary and John went to the store, John gave a drink to
The war lasted from the year 1732 to the year 17
So Emma and Henry sat near the park with a box, which Emma sold to
It's 1999; they'd paid $12.50 for 3 of 1,000,000. DON'T WE'LL I'M they've HE'S
The quick brown fox jumps over the lazy dog while the other foxes were sleeping there
def move(self, line, text, level): return self.level[line] + text * 2
for (int i = 0; i < n_rows; i++) { sum += weight[i] * x[i]; } // done
<html><body class="main">Hello &amp; welcome</body></html>
Der schnelle Fuchs springt über den faulen Hund, größer als üblich
Le garçon naïf préfère le café crème à l'hôtel près de la forêt
El niño comió piñas y jamón; ¿cuándo volverá? ¡Mañana!
Żółć gęślą jaźń, příliš žluťoučký kůň úpěl ďábelské ódy
Привет, мир! Быстрая лиса прыгает через ленивую собаку в 2024 году
Η γρήγορη αλεπού πηδάει πάνω από το τεμπέλικο σκυλί
השועל החום המהיר קופץ מעל הכלב העצלן
الثعلب البني السريع يقفز فوق الكلب الكسول ١٢٣٤
तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है १२३
สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ
日本語のテキストと漢字、カタカナ、ひらがな。東京は2020年
敏捷的棕色狐狸跳过了懒狗,然后去了商店。
빠른 갈색 여우가 게으른 개를 뛰어넘는다
Con cáo nâu nhanh nhẹn nhảy qua con chó lười biếng ở Việt Nam
İstanbul'da ılık bir gün, ISTANBUL'DAKİ ışık
ქართული ენა და դdelays Հայերեն լեզու""".split("\n")

SPACES = [" ", "  ", "   ", "    ", "        ", "\t", "\t\t", "\n", "\n\n", "\n\n\n", "\r\n",
          "\r\n\r\n", "\r", " \n", "\n ", " \n \n", "\u00a0", "\u2003", "\u2028", "\u2029", "\u3000",
          "\u0085", "\u1680", "\u202f", "\u205f", "\u200b", "\ufeff", "\u180e", "\v", "\f",
          " \t ", "\u00a0 ", " \u00a0"]
DIGITS = ["0", "7", "12", "123", "1234", "12345", "1000000", "3.14159", "1,000,000", "2024-01-31",
          "0x1F", "1e-9", "½", "²", "Ⅷ", "٣٤", "१२", "①", "12:30", "50%", "$9.99", "1st"]
MARKS = ["!", "?", "...", ",", ";", "--", "—", "\"", "'", "''", "(", ")", "[", "]", "{", "}", "<", ">",
         "@", "#", "$", "%", "^", "&", "*", "_", "__", "-", "+", "=", "/", "\\", "|", "~", "`", "€",
         "£", "°", "§", "¿", "¡", "«", "»", "…", "→", "∑", "≤", "//", "/*", "!=", "->", "::"]
SHORT = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'T", "'RE", "'Ve", "'M", "'LL", "'D",
         "'\u017f", "’s", "'x", "s'", "I'm", "don't", "WE'LL", "o'clock", "'tis"]
EMOJI = ["😀", "🙂", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "❤️", "✨", "🧪", "☃", "🀄", "𝒳", "𝟘", "𐍈", "𠜎"]
FOLDED = ["é", "e\u0301", "a\u0308\u0323", "a\u0323\u0308", "각", "\u1100\u1161\u11a8", "\u1100\u1161",
          "Å", "\u212b", "A\u030a", "ﬁ", "ǆ", "\u0344", "\u0f73", "q\u0307\u0323", "q\u0323\u0307",
          "\u0958", "\u2126", "\u1e9b\u0323", "ö\u0304", "\u0301", "x\u0301\u0301", "가\u11a8", "\ufb2c"]
SPECIAL = ["<|endoftext|>", "<|begin|>", "<bos>", "<eos>", "<unk>", "<s>", "</s>", "<|im_start|>",
           "[MASK]", "[word]", "[left]", "[right]", "Norm\u0301", "[both]", "<0x0A>", "<unused0>",
           "<|endof", "<<|endoftext|>>", "endoftext|>", MARK, MARK * 2, "[MASK][MASK]"]
BROKEN = [b"\x80", b"\xbf\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc3", b"\xc3(", b"\xe2\x82", b"\xe2(\xa1",
          b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x9f\x98",
          b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80",
          b"\xff\xfe", b"\xf0\x9f\x98\xe2\x82\xac", b"\xe2\x82\xe2\x82\xac", b"\xf0\x9f a", b"\xfe",
          b"\xf1\x80\x80\xe1\x80\xc2A", b"\xc2", b"\xef\xbf\xbd", b"\x00", b"a\x00b"]


def stable_characters():
    """Assigned since Unicode 3.2 with the category unchanged, so that the ids
    do not depend on a library's Unicode version."""
    old = unicodedata.ucd_3_2_0
    return [chr(c) for c in range(0x20000) if not 0xD800 <= c <= 0xDFFF
            and old.category(chr(c)) == unicodedata.category(chr(c)) != "Cn"]


def make_texts():
    r = random.Random(20251003)
    words = " ".join(PHRASES).split()
    anything = words + SPACES + DIGITS + MARKS + SHORT + EMOJI + FOLDED + SPECIAL
    stable = stable_characters()
    texts = [p.encode() for p in PHRASES]
    texts += [bytes([b]) for b in range(256)]
    texts += [s.encode() for s in SPACES + DIGITS + MARKS + SHORT + EMOJI + FOLDED + SPECIAL] + BROKEN

    def add(n, make):
        for _ in range(n):
            made = make()
            texts.append(made if isinstance(made, bytes) else made.encode())

    def some(pool, low, high, joint=""):
        return joint.join(r.choice(pool) for _ in range(r.randint(low, high)))

    add(450, lambda: some(words, 3, 12, " "))
    add(350, lambda: some(anything, 1, 8))
    add(150, lambda: some(anything, 2, 6, " "))
    add(200, lambda: some(stable, 1, 12))
    add(150, lambda: some(SPACES + ["a", "The", "."], 1, 8))
    add(150, lambda: some(DIGITS + MARKS + [" "], 1, 8))
    add(150, lambda: some(FOLDED + ["a", " ", "e"], 1, 6))
    add(150, lambda: some(SPECIAL + SPACES[:6] + ["a", "word", "é"], 1, 6))
    add(100, lambda: some(SHORT + words, 1, 4))
    add(200, lambda: b"".join(r.choice(BROKEN + [w.encode() for w in words[:60]] + [b" "])
                              for _ in range(r.randint(1, 7))))
    add(100, lambda: r.randbytes(r.randint(1, 12)))
    texts += [b"", b"a" * 1000, b" " * 700, b"1234567890" * 60, "é".encode() * 300,
              "日本語".encode() * 150, b"ab" * 400, b"\n" * 300, b"<|endoftext|>" * 20,
              " ".join(words).encode(), "".join(words).encode()]
    return texts


def checksum(ids):
    return f"{len(ids)} {zlib.crc32(struct.pack(f'<{len(ids)}i', *ids)):08x}"


def write_ids(name, rows):
    text = "".join(f"{a} {b}\n" for a, b in rows)
    (OUT / f"{name}.ids.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def library_rows(path, texts):
    t = Tokenizer.from_file(str(path))
    rows = []
    for text in (b.decode(errors="replace") for b in texts):
        t.encode_special_tokens = False
        first = checksum(t.encode(text, add_special_tokens=True).ids)
        t.encode_special_tokens = True
        rows.append((first, checksum(t.encode(text, add_special_tokens=False).ids)))
    return rows


def train(tokenizer, size, special, seen_only=False):
    alphabet = [] if seen_only else pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False,
                                  initial_alphabet=alphabet, min_frequency=2)
    tokenizer.train_from_iterator(PHRASES * 3 + [p.upper() for p in PHRASES[:6]] * 2, trainer)
    return tokenizer


def save(name, tokenizer, config=None, change=None):
    folder = OUT / name
    folder.mkdir()
    data = json.loads(tokenizer.to_str())
    if change:
        change(data)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    (folder / "tokenizer.json").write_text(text)
    if config:
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
    return folder / "tokenizer.json"


def byte_level(steps, size=620, normalizer=None, special=("<|endoftext|>", "<|im_start|>"), gaps=False, **model):
    t = Tokenizer(models.BPE(**model))
    t.normalizer = normalizer
    t.pre_tokenizer = steps[0] if len(steps) == 1 else pre_tokenizers.Sequence(steps)
    t.decoder = decoders.ByteLevel()
    return train(t, size, list(special), gaps)


def with_bos(tokenizer, token):
    template = processors.TemplateProcessing(single=f"{token} $A", pair=f"{token} $A {token} $B",
                                             special_tokens=[(token, tokenizer.token_to_id(token))])
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    return tokenizer


def byte(**options):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, **options)


def split(pattern, behaviour="isolated", invert=False):
    return pre_tokenizers.Split(pattern, behaviour, invert)


def drop_merges(data):
    """Tokens that no merge makes, for ignore_merges to find."""
    merges = data["model"]["merges"]
    data["model"]["merges"] = [m for i, m in enumerate(merges) if i < 100 or i % 3]


def byte_level_families():
    yield "gpt2", byte_level([byte()]), None, None
    yield "smollm", byte_level([pre_tokenizers.Digits(individual_digits=True), byte()]), None, None
    yield "llama3", with_bos(byte_level([split(Regex(LLAMA3)), byte(use_regex=False)],
                                        special=["<|begin|>", "<|endoftext|>"], ignore_merges=True),
                             "<|begin|>"), None, drop_merges
    yield "qwen2", byte_level([split(Regex(QWEN2)), byte(use_regex=False)],
                              normalizer=normalizers.NFC()), {"add_bos_token": False}, None
    neox = byte_level([byte()], normalizer=normalizers.NFC())
    neox.add_tokens([AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
    yield "gpt_neox", neox, None, None
    yield "tekken", with_bos(byte_level([split(Regex(TEKKEN)), byte(use_regex=False)],
                                        special=["<s>", "<unk>"], ignore_merges=True), "<s>"), None, None
    yield "behaviours", byte_level([split(Regex(r"\p{N}{1,3}")), split(Regex(r"[\r\n]"), "merged_with_previous"),
                                    split(Regex(r"\p{Lu}"), "merged_with_next"), split("-", "contiguous"),
                                    split(Regex(r"_+"), "removed"),
                                    split(Regex(r"[^\s]+"), "isolated", True), byte()], size=400), None, None
    yield "falcon", byte_level([pre_tokenizers.Punctuation("contiguous"), byte(),
                                pre_tokenizers.Digits(individual_digits=False), split(Regex("[0-9][0-9][0-9]"))],
                               special=[">>TITLE<<", "<|endoftext|>"]), None, None
    yield "bloom", byte_level([split(Regex(BLOOM)), byte(use_regex=False)],
                              special=["<unk>", "<s>", "</s>", "<pad>"]), {
        "tokenizer_class": "BloomTokenizerFast", "unk_token": "<unk>", "bos_token": "<s>",
        "eos_token": "</s>", "pad_token": "<pad>", "padding_side": "left"}, None
    yield "after_bytes", byte_level([byte(), pre_tokenizers.Punctuation("merged_with_next"),
                                     pre_tokenizers.Digits(individual_digits=True),
                                     split("\u0120", "removed"),  # a space, as ByteLevel writes it
                                     split(Regex(r"[\p{Lu}[à-ö[=_-]]]"), "merged_with_previous"),
                                     split(Regex(r"[^[\p{N}]\p{P}]+"), "contiguous", True)], size=400), None, None
    yield "digits", byte_level([pre_tokenizers.Digits(individual_digits=False), byte()], size=400), None, None
    yield "prefix", byte_level([pre_tokenizers.ByteLevel(add_prefix_space=True)], size=400), None, None
    yield "gaps", byte_level([byte()], size=400, gaps=True), None, None
    yield "unknown", byte_level([byte()], size=400, special=["<unk>"], gaps=True, unk_token="<unk>",
                                fuse_unk=True), None, None
    added = byte_level([byte()], size=400, normalizer=normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace("voice", "noise")]))
    added.add_special_tokens([AddedToken("[left]", lstrip=True, special=True),
                              AddedToken("[right]", rstrip=True, special=True),
                              AddedToken("[both]", lstrip=True, rstrip=True, special=True)])
    added.add_tokens([AddedToken("[word]", single_word=True, normalized=False),
                      AddedToken("word", single_word=True, normalized=False),
                      AddedToken("Norm\u0301", normalized=True), AddedToken("[MASK][MASK]", normalized=False),
                      AddedToken("[MASK]", normalized=False), AddedToken("\n\n", normalized=False)])
    yield "added", added, None, None


def character_family(name, normalizer, pre_tokenizer, bos, config):
    """Sentencepiece's kind of vocabulary: characters, bytes to fall back on."""
    special = ["<pad>", "<eos>", bos, "<unk>"] + [f"<0x{b:02X}>" for b in range(256)]
    t = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    train(t, 900, special, seen_only=True)
    t.normalizer, t.pre_tokenizer = normalizer, pre_tokenizer
    t.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, t.token_to_id(bos))])

    def change(data):  # bytes are tokens of the model, but no added ones
        data["added_tokens"] = [a for a in data["added_tokens"] if a["id"] < 4]

    return name, t, config, change


def character_families():
    space = normalizers.Replace(" ", MARK)
    yield character_family("gemma", space, split(" ", "merged_with_previous"), "<bos>",
                           {"tokenizer_class": "GemmaTokenizer", "bos_token": "<bos>", "add_bos_token": True})
    yield character_family("llama2", normalizers.Sequence([normalizers.Prepend(MARK), space]), None, "<s>",
                           {"tokenizer_class": "LlamaTokenizer", "bos_token": {"content": "<s>"}})
    yield character_family("mistral", None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False),
                           "<s>", None)
    yield character_family("metaspace", None, pre_tokenizers.Metaspace(prepend_scheme="always", split=True),
                           "<s>", None)


PRES = {"gpt2": "gpt-2", "smollm": "smollm", "llama3": "llama-bpe", "qwen2": "qwen2", "gpt_neox": "olmo",
        "tekken": "tekken", "falcon": "falcon", "bloom": "bloom"}
BOS = {"llama3": "<|begin|>", "tekken": "<s>"}


def writer_for(name, model):
    w = gguf.GGUFWriter(str(OUT / f"{name}.gguf"), "llama")
    w.add_tokenizer_model(model)
    return w


def finish(w):
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def byte_level_gguf(name, path):
    data = json.loads(path.read_text())
    tokens = dict(data["model"]["vocab"])
    kinds = {}
    for a in data["added_tokens"]:
        tokens[a["content"]] = a["id"]
        kinds[a["id"]] = 3 if a["special"] else 4
    order = sorted(tokens, key=tokens.get)
    assert [tokens[t] for t in order] == list(range(len(order)))
    w = writer_for(name, "gpt2")
    w.add_tokenizer_pre(PRES[name])
    w.add_token_list(order)
    w.add_token_types([kinds.get(i, 1) for i in range(len(order))])
    w.add_token_merges([" ".join(m) for m in data["model"]["merges"]])
    if name in BOS:
        w.add_bos_token_id(tokens[BOS[name]])
        w.add_add_bos_token(True)
    finish(w)


def sentencepiece_gguf(name, prefix, texts):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(PHRASES * 3), model_writer=model, model_type="bpe", vocab_size=900,
        byte_fallback=True, normalization_rule_name="identity", add_dummy_prefix=prefix,
        remove_extra_whitespaces=False, character_coverage=0.98, pad_id=0, eos_id=1, bos_id=2, unk_id=3,
        user_defined_symbols=["<unused0>", "[MASK]"], minloglevel=2)
    sp = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    n = sp.get_piece_size()
    w = writer_for(name, "llama")
    w.add_tokenizer_pre("default")
    w.add_token_list([sp.id_to_piece(i) for i in range(n)])
    w.add_token_scores([sp.get_score(i) for i in range(n)])
    w.add_token_types([2 if sp.is_unknown(i) else 6 if sp.is_byte(i) else 3 if sp.is_control(i)
                       else 4 if sp.id_to_piece(i) in ("<unused0>", "[MASK]") else 1 for i in range(n)])
    w.add_bos_token_id(2)
    w.add_unk_token_id(3)
    w.add_add_space_prefix(prefix)
    finish(w)
    write_ids(name, [("- -", checksum(sp.encode(b.decode(errors="replace")))) for b in texts])


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    texts = make_texts()
    with open(OUT / "texts.bin", "wb") as f:
        for text in texts:
            f.write(struct.pack("<I", len(text)) + text)
    for name, tokenizer, config, change in [*byte_level_families(), *character_families()]:
        path = save(name, tokenizer, config, change)
        write_ids(name, library_rows(path, texts))
        if name in PRES:
            byte_level_gguf(name, path)
    sentencepiece_gguf("spm-gemma", False, texts)
    sentencepiece_gguf("spm-llama", True, texts)
    print(len(texts), "texts")


main()
