#include "tokenizer/tokenizer_buffer.h"

#include <stdlib.h>
#include <string.h>

int hap_buffer_append(struct hap_buffer *b, const char *text, size_t length)
{
        if (length >= b->capacity - b->length || b->capacity == 0) {
                size_t capacity = 2 * b->capacity + length + 64;
                char *data = realloc(b->data, capacity);

                if (data == NULL)
                        return -1;
                b->data = data;
                b->capacity = capacity;
        }
        if (length > 0)
                memcpy(b->data + b->length, text, length);
        b->length += length;
        b->data[b->length] = '\0';
        return 0;
}

int hap_pieces_add(struct hap_pieces *p, size_t start, size_t length, int32_t id)
{
        if (p->n == p->capacity) {
                size_t capacity = 2 * p->capacity + 32;
                struct hap_piece *items = realloc(p->items, capacity * sizeof *items);

                if (items == NULL)
                        return -1;
                p->items = items;
                p->capacity = capacity;
        }
        p->items[p->n++] = (struct hap_piece){ start, length, id };
        return 0;
}
