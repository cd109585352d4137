#include "stream_bytes.h"

static int write_scores(struct hap_stream_out *out)
{
        static const char *const edges[] = {"input->m0", "m0->logits"};
        json_t *header = json_pack("{s:i, s:s}", "hap", 1, "kind", "scores");
        int rc = hap_stream_out_begin(out, header, &err);

        json_decref(header);
        for (int i = 0; i < 2; i++) {
                msgpack_packer *packer = hap_stream_out_record(out);

                msgpack_pack_map(packer, 2);
                hap_pack_text(packer, "edge");
                hap_pack_text(packer, edges[i]);
                hap_pack_text(packer, "score");
                if (i == 0)
                        msgpack_pack_double(packer, 0.5);
                else
                        msgpack_pack_int(packer, -2);
                rc |= hap_stream_out_end_record(out, &err);
        }
        return rc | hap_stream_out_end(out, &err);
}

static int write_cache(struct hap_stream_out *out)
{
        static const float values[] = {0, 1, 2, 3, 4, 5};
        static const size_t shape[] = {2, 3};
        json_t *header = json_pack("{s:i, s:s, s:[{s:s, s:s, s:[s]}]}", "hap", 1, "kind", "cache",
                                   "history", "name", "x", "version", "1", "arguments", "--a=1");
        int rc = hap_stream_out_begin(out, header, &err);

        json_decref(header);
        msgpack_pack_map(hap_stream_out_record(out), 1);
        hap_pack_text(hap_stream_out_packer(out), "t");
        rc |= hap_stream_out_tensor(out, HAP_F32, 2, shape, values, &err);
        rc |= hap_stream_out_end_record(out, &err);
        return rc | hap_stream_out_end(out, &err);
}

TEST("written streams have the same bytes as those of Python's msgpack")
{
        struct bytes b = written(write_scores, false), wanted = {.n = 0};

        add_with_digest(&wanted, python_scores, sizeof(python_scores), python_scores_digest);
        CHECK(b.n == wanted.n && memcmp(b.at, wanted.at, b.n) == 0);
        b = written(write_cache, false);
        wanted.n = 0;
        add_with_digest(&wanted, python_cache, sizeof(python_cache), python_cache_digest);
        CHECK(b.n == wanted.n && memcmp(b.at, wanted.at, b.n) == 0);
        CHECK(read_all(b.at, b.n) == 1);
        b.at[b.n - 1] ^= 1;
        CHECK(read_all(b.at, b.n) == HAP_EINPUT);
        CHECK(strstr(err.message, "its trailer says another"));
}

TEST("gzip is read, also between plain sections, and contains no time")
{
        struct bytes scores = written(write_scores, true), all = {.n = 0};

        CHECK(scores.at[0] == 0x1f && scores.at[1] == 0x8b);
        CHECK(memcmp(scores.at + 4, "\0\0\0\0", 4) == 0); /* mtime, RFC 1952 */
        CHECK(read_all(scores.at, scores.n) == 2);
        add(&all, python_cache, sizeof(python_cache));
        add(&all, scores.at, scores.n);
        add(&all, scores.at, scores.n);
        add(&all, python_cache, sizeof(python_cache));
        add(&all, scores.at, scores.n);
        CHECK(read_all(all.at, all.n) == 8);
}

TEST("gzip cut at any byte, or damaged, is refused")
{
        struct bytes scores = written(write_scores, true);

        for (size_t n = 1; n < scores.n; n++)
                CHECK(read_all(scores.at, n) == HAP_EINPUT);
        for (size_t i = 10; i < scores.n; i++) {
                scores.at[i] ^= 0x55;
                CHECK(read_all(scores.at, scores.n) == HAP_EINPUT);
                scores.at[i] ^= 0x55;
        }
}

/* The same through a pipe, whose end is called `name`. */
static int read_pipe(const void *data, size_t n, char name[32])
{
        const char *paths[] = {name};
        struct hap_stream_in *in;
        msgpack_object record;
        json_t *header;
        int ends[2], rc, records = 0;

        err.message[0] = '\0';
        CHECK(pipe(ends) == 0);
        CHECK(write(ends[1], data, n) == (ssize_t)n);
        snprintf(name, 32, "/dev/fd/%d", ends[0]);
        close(ends[1]);
        CHECK(hap_stream_in_open(&in, paths, 1, &err) == 0);
        CHECK(!hap_stream_in_keeps(in));
        while ((rc = hap_stream_in_section(in, &header, &err)) == 1)
                while ((rc = hap_stream_in_record(in, &record, &err)) == 1)
                        records++;
        hap_stream_in_close(in);
        close(ends[0]);
        return rc < 0 ? rc : records;
}

TEST("a pipe is read as memory is, whole, cut and with gzip in between")
{
        struct bytes scores = written(write_scores, true), all = {.n = 0};

        add(&all, python_cache, sizeof(python_cache));
        add(&all, scores.at, scores.n);
        add(&all, scores.at, scores.n);
        add(&all, python_scores, sizeof(python_scores));
        add(&all, scores.at, scores.n);
        for (size_t n = 0; n <= all.n; n++) {
                char name[32], wanted[sizeof(err.message)], *quote;
                int piped = read_pipe(all.at, n, name);

                snprintf(wanted, sizeof(wanted), "%s", err.message);
                CHECK(piped == read_all(all.at, n));
                quote = strstr(wanted, name);
                CHECK(piped >= 0 || quote);
                if (piped < 0 && quote) /* 'in' and the pipe's name differ */
                        CHECK_TEXT(quote + strlen(name), strchr(err.message, '\'') + 3);
        }
}

static int pass_python(struct hap_stream_out *out)
{
        struct bytes both = {.n = 0};
        struct hap_stream_in *stream;
        msgpack_object record;
        json_t *header;
        int rc;

        add(&both, python_scores, sizeof(python_scores));
        add(&both, python_cache, sizeof(python_cache));
        hap_stream_in_open_memory(&stream, "in", both.at, both.n, &err);
        CHECK(hap_stream_in_section(stream, &header, &err) == 1);
        hap_stream_in_pass_to(stream, out); /* right after the header */
        CHECK(hap_stream_in_record(stream, &record, &err) == 1);
        CHECK(hap_stream_in_section(stream, &header, &err) == 1);
        rc = hap_stream_in_section(stream, &header, &err);
        hap_stream_in_close(stream);
        return rc | write_scores(out);
}

TEST("sections passed on keep their bytes, and the own section follows")
{
        struct bytes b = written(pass_python, false), wanted = {.n = 0};

        add(&wanted, python_scores, sizeof(python_scores));
        add(&wanted, python_cache, sizeof(python_cache));
        add_with_digest(&wanted, python_scores, sizeof(python_scores), python_scores_digest);
        CHECK(b.n == wanted.n && memcmp(b.at, wanted.at, b.n) == 0);
}

/* Sections of one text field each, of all sizes around the size of the output buffer. */
static int write_large(struct hap_stream_out *out, size_t n)
{
        static char text[1000];
        json_t *header = json_pack("{s:i, s:s}", "hap", 1, "kind", "scores");
        int rc = hap_stream_out_begin(out, header, &err);

        json_decref(header);
        for (; n > 0; n -= n < 1000 ? n : 1000) {
                msgpack_pack_map(hap_stream_out_record(out), 1);
                hap_pack_text(hap_stream_out_packer(out), "x");
                rc |= hap_stream_out_bin(out, text, n < 1000 ? n : 1000, &err);
                rc |= hap_stream_out_end_record(out, &err);
        }
        return rc | hap_stream_out_end(out, &err);
}

TEST("a section of any size gets the right sum, wherever the writer's buffer ends")
{
        char path[] = P_tmpdir "/hap-unit-XXXXXX";
        const char *paths[] = {path};
        int fd = mkstemp(path);
        struct hap_stream_in *in;
        struct hap_stream_out *out;
        json_t *header;

        close(fd);
        for (size_t n = 260150; n < 260650; n += 3) {
                int rc;

                CHECK(hap_stream_out_open(&out, path, false, &err) == 0);
                CHECK(write_large(out, n) == 0);
                CHECK(write_scores(out) == 0);
                CHECK(hap_stream_out_close(out, &err) == 0);
                CHECK(hap_stream_in_open(&in, paths, 1, &err) == 0);
                while ((rc = hap_stream_in_section(in, &header, &err)) == 1)
                        ;
                CHECK(rc == 0);
                hap_stream_in_close(in);
        }
        unlink(path);
}

TEST("a file appears whole or not at all")
{
        char folder[] = P_tmpdir "/hap-unit-XXXXXX", path[64];
        struct hap_stream_out *stream;

        CHECK(mkdtemp(folder) != NULL);
        snprintf(path, sizeof(path), "%s/out", folder);
        CHECK(hap_stream_out_open(&stream, path, false, &err) == 0);
        CHECK(write_scores(stream) == 0);
        CHECK(access(path, F_OK) < 0);
        hap_stream_out_abandon(stream);
        CHECK(access(path, F_OK) < 0);
        CHECK(hap_stream_out_open(&stream, path, false, &err) == 0);
        CHECK(write_scores(stream) == 0);
        CHECK(hap_stream_out_finish(stream, &err) == 0);
        CHECK(access(path, F_OK) < 0);
        CHECK(hap_stream_out_close(stream, &err) == 0);
        CHECK(unlink(path) == 0);
        CHECK(rmdir(folder) == 0); /* no file was left in it */
}

TEST("two writers to one file are detected under any names")
{
        char folder[] = P_tmpdir "/hap-unit-XXXXXX", path[64], again[64];
        struct hap_stream_out *file, *other, *device;

        CHECK(mkdtemp(folder) != NULL);
        snprintf(path, sizeof(path), "%s/out", folder);
        CHECK(hap_stream_out_open(&file, path, false, &err) == 0);
        CHECK(hap_stream_out_open(&device, "/dev/null", false, &err) == 0);
        CHECK(hap_stream_out_same(file, file) && hap_stream_out_same(device, device));
        CHECK(!hap_stream_out_same(file, device));
        snprintf(again, sizeof(again), "%s/./out", folder);
        CHECK(hap_stream_out_open(&other, again, false, &err) == 0);
        CHECK(hap_stream_out_same(file, other));
        hap_stream_out_abandon(other);
        strcat(again, "2");
        CHECK(hap_stream_out_open(&other, again, false, &err) == 0);
        CHECK(!hap_stream_out_same(file, other));
        hap_stream_out_abandon(other);
        hap_stream_out_abandon(device);
        hap_stream_out_abandon(file);
        CHECK(rmdir(folder) == 0);
}

RUN_TESTS
