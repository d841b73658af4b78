# regent in a container: two stages, no root, the binary as entry point.
#   docker build -t regent .          (or: buildah build -t regent .)
#   docker run -v regent-state:/var/lib/regent -v /etc/regent:/etc/regent:ro regent serve --config /etc/regent/region.yaml
# BASE may be Debian 12 or 13. packaging/try-dockerfile builds it for real.
ARG BASE=docker.io/library/debian:12-slim

FROM ${BASE} AS build
WORKDIR /src
COPY packaging/debian-packages packaging/install-packages packaging/
RUN packaging/install-packages build
COPY . .
RUN cmake --preset release && cmake --build --preset release --target regent && strip build/release/regent
# The libraries that the binary asks for, as the names of this Debian's packages.
RUN ldd build/release/regent | awk '$3 ~ "^/" { print $3 }' | xargs -n 1 readlink -f | sed 's,^/lib/,*/lib/,; s,^/usr/lib/,*/lib/,' \
    | xargs -n 1 dpkg-query -S | sed 's/:.*//' | sort -u > /runtime-packages

FROM ${BASE}
COPY --from=build /runtime-packages /runtime-packages
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates tzdata $(cat /runtime-packages) \
    && rm -rf /var/lib/apt/lists/* /runtime-packages \
    && useradd --system --uid 990 --user-group --home-dir /var/lib/regent --shell /usr/sbin/nologin regent \
    && install -d -m 700 -o regent -g regent /var/lib/regent /run/regent
COPY --from=build /src/build/release/regent /usr/bin/regent
USER regent
VOLUME /var/lib/regent
ENTRYPOINT ["/usr/bin/regent"]
CMD ["--help"]
