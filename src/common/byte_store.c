#include "common/byte_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/number.h"
#include "common/temporary.h"

enum { IN_MEMORY = 1 << 20, WINDOW = 1 << 16 };

void hap_byte_store_release(struct hap_byte_store *store)
{
        if (store->in_file)
                close(store->fd);
        free(store->added);
        free(store->window);
        *store = (struct hap_byte_store){0};
}

static int write_to_file(struct hap_byte_store *store, const void *data, size_t n,
                         struct hap_error *err)
{
        if (n == 0)
                return HAP_OK;
        if (!store->in_file && hap_temporary_open(&store->fd, err) < 0)
                return err->code;
        if (hap_temporary_write(store->fd, data, n, err) < 0) {
                if (!store->in_file)
                        close(store->fd);
                return err->code;
        }
        store->in_file += n;
        return HAP_OK;
}

int hap_byte_store_add(struct hap_byte_store *store, const void *data, size_t n,
                       struct hap_error *err)
{
        if (!store->added && !(store->added = malloc(IN_MEMORY)))
                return hap_fail_memory(err, "an array");
        if (n > IN_MEMORY - store->n_added) {
                if (write_to_file(store, store->added, store->n_added, err) < 0)
                        return err->code;
                store->n_added = 0;
        }
        if (n > IN_MEMORY)
                return write_to_file(store, data, n, err);
        if (n > 0)
                memcpy(store->added + store->n_added, data, n);
        store->n_added += n;
        return HAP_OK;
}

uint64_t hap_byte_store_size(const struct hap_byte_store *store)
{
        return store->in_file + store->n_added;
}

void hap_byte_store_seek(struct hap_byte_store *store, uint64_t at)
{
        store->at = at;
}

/* Makes the window contain the byte of the file at which reading continues. */
static int move_window(struct hap_byte_store *store, struct hap_error *err)
{
        ssize_t n;

        if (store->at >= store->window_at && store->at < store->window_at + store->n_window)
                return HAP_OK;
        if (!store->window && !(store->window = malloc(WINDOW)))
                return hap_fail_memory(err, "an array");
        do {
                n = pread(store->fd, store->window, hap_min(WINDOW, store->in_file - store->at),
                          (off_t)store->at);
        } while (n < 0 && errno == EINTR);
        if (n <= 0)
                return hap_temporary_fail("read", n < 0 ? errno : EIO, err);
        store->window_at = store->at;
        store->n_window = (size_t)n;
        return HAP_OK;
}

int hap_byte_store_take(struct hap_byte_store *store, void *data, size_t n, struct hap_error *err)
{
        char *out = data;

        while (n > 0) {
                const bool file = store->at < store->in_file;
                const char *from;
                size_t here;

                if (file && move_window(store, err) < 0)
                        return err->code;
                from = file ? store->window + (store->at - store->window_at)
                            : store->added + (store->at - store->in_file);
                here = file ? store->window_at + store->n_window - store->at
                            : hap_byte_store_size(store) - store->at;
                if (here == 0)
                        return hap_temporary_fail("read", EIO, err);
                here = hap_min(here, n);
                memcpy(out, from, here);
                out += here;
                n -= here;
                store->at += here;
        }
        return HAP_OK;
}
