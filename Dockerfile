# hap in a container:
#
#   docker build -t hap .
#   docker run --rm -v "$PWD":/work hap sh -c 'hap-task ioi -m demo | hap-forward -m demo | hap-attrib | hap-show'
#
# The programs run on any processor of the architecture; OpenBLAS chooses its kernels when it runs.

FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
        gcc libc6-dev libdnnl-dev libjansson-dev libmsgpack-dev libopenblas-dev libpcre2-dev \
        libutf8proc-dev libxxhash-dev make pkg-config zlib1g-dev
COPY . /src
RUN make -C /src -j"$(nproc)" PORTABLE=1 install PREFIX=/usr/local DESTDIR=/out

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
        jq libdnnl2 libgomp1 libjansson4 libmsgpackc2 libopenblas0-pthread libpcre2-8-0 \
        librsvg2-bin libutf8proc2 libxxhash0 make zlib1g && rm -rf /var/lib/apt/lists/*
COPY --from=build /out /
WORKDIR /work
CMD ["hap-task", "-h"]
