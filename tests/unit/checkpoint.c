#include "prune/checkpoint.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

struct state {
        float values[100];
        int64_t step;
};

static struct hap_checkpoint checkpoint_of(struct state *state, uint64_t identity)
{
        struct hap_checkpoint checkpoint = {.identity = identity};

        hap_checkpoint_add_floats(&checkpoint, "values", state->values, 100);
        hap_checkpoint_add_integer(&checkpoint, "step", &state->step, 0, 20);
        return checkpoint;
}

static struct state filled(void)
{
        struct state state = {.step = 17};

        for (int i = 0; i < 100; i++)
                state.values[i] = (float)i / 3;
        return state;
}

static void path_of(char *path)
{
        strcpy(path, "build-checkpoint-XXXXXX");
        CHECK(mkdtemp(path) != NULL);
        strcat(path, "/state");
}

static void remove_at(char *path)
{
        unlink(path);
        *strrchr(path, '/') = '\0';
        CHECK(rmdir(path) == 0); /* no temporary file was left */
}

TEST("a written checkpoint is read back")
{
        struct state before = filled(), after = {0};
        struct hap_checkpoint out = checkpoint_of(&before, 5), in = checkpoint_of(&after, 5);
        struct hap_error err;
        char path[64];

        path_of(path);
        CHECK(hap_checkpoint_read(&in, path, &err) == 0);
        CHECK(after.step == 0);
        CHECK(hap_checkpoint_write(&out, path, &err) == 0);
        CHECK(hap_checkpoint_read(&in, path, &err) == 1);
        CHECK(memcmp(&before, &after, sizeof before) == 0);
        remove_at(path);
}

static void flip(const char *path, long at)
{
        FILE *file = fopen(path, "r+b");
        int byte;

        fseek(file, at, SEEK_SET);
        byte = fgetc(file);
        fseek(file, at, SEEK_SET);
        fputc(byte ^ 0x10, file);
        fclose(file);
}

TEST("a change of any byte is refused and changes nothing")
{
        struct state before = filled(), after = {0}, none = {0};
        struct hap_checkpoint out = checkpoint_of(&before, 5), in = checkpoint_of(&after, 5);
        struct hap_error err;
        char path[64];
        long size = 32 + 400 + 8 + 8;

        path_of(path);
        CHECK(hap_checkpoint_write(&out, path, &err) == 0);
        for (long at = 0; at < size; at++) {
                flip(path, at);
                CHECK(hap_checkpoint_read(&in, path, &err) == HAP_EINPUT);
                flip(path, at);
        }
        CHECK(memcmp(&after, &none, sizeof after) == 0);
        CHECK(hap_checkpoint_read(&in, path, &err) == 1);
        remove_at(path);
}

TEST("a truncated file and one with extra bytes are refused")
{
        struct state before = filled(), after = {0};
        struct hap_checkpoint out = checkpoint_of(&before, 5), in = checkpoint_of(&after, 5);
        struct hap_error err;
        char path[64];

        path_of(path);
        for (long size = 0; size < 32 + 400 + 8 + 8; size += 7) {
                CHECK(hap_checkpoint_write(&out, path, &err) == 0);
                CHECK(truncate(path, size) == 0);
                CHECK(hap_checkpoint_read(&in, path, &err) == HAP_EINPUT);
        }
        CHECK(hap_checkpoint_write(&out, path, &err) == 0);
        CHECK(truncate(path, 32 + 400 + 8 + 9) == 0);
        CHECK(hap_checkpoint_read(&in, path, &err) == HAP_EINPUT);
        remove_at(path);
}

TEST("a checkpoint of another identity or of other fields is refused")
{
        struct state before = filled(), after = {0};
        struct hap_checkpoint out = checkpoint_of(&before, 5), in = checkpoint_of(&after, 6);
        struct hap_error err;
        char path[64];

        path_of(path);
        CHECK(hap_checkpoint_write(&out, path, &err) == 0);
        CHECK(hap_checkpoint_read(&in, path, &err) == HAP_EINPUT);
        CHECK(strstr(err.message, "other options") != NULL);
        in = (struct hap_checkpoint){.identity = 5};
        hap_checkpoint_add_floats(&in, "values", after.values, 100);
        CHECK(hap_checkpoint_read(&in, path, &err) == HAP_EINPUT);
        remove_at(path);
}

TEST("numbers out of range are refused although the hash is right, and change nothing")
{
        struct state before = filled(), after = {0}, none = {0};
        struct hap_checkpoint out = checkpoint_of(&before, 5), in = checkpoint_of(&after, 5);
        struct hap_error err;
        char path[64];

        path_of(path);
        before.values[41] = NAN;
        CHECK(hap_checkpoint_write(&out, path, &err) == 0);
        CHECK(hap_checkpoint_read(&in, path, &err) == HAP_EINPUT);
        CHECK(strstr(err.message, "number 42 of 'values' is out of range") != NULL);
        before = filled();
        for (before.step = -1; before.step <= 21; before.step += 22) {
                CHECK(hap_checkpoint_write(&out, path, &err) == 0);
                CHECK(hap_checkpoint_read(&in, path, &err) == HAP_EINPUT);
                CHECK(strstr(err.message, "'step' is out of range") != NULL);
        }
        CHECK(memcmp(&after, &none, sizeof after) == 0);
        remove_at(path);
}

RUN_TESTS
