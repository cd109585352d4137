/* Everything about streams in one include. */
#ifndef HAP_COMMON_STREAM_H
#define HAP_COMMON_STREAM_H

#include "common/json.h"
#include "common/stream_in.h"
#include "common/stream_out.h"
#include "common/tensor_stream.h"

#endif
