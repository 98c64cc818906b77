# syntax=docker/dockerfile:1
# The three services' image: the binary alone, without the embedded engine, started as a user without rights.
# `scripts/image.sh` builds it without any registry, and looks at what it made.
FROM node:24-bookworm-slim AS modules
WORKDIR /src
COPY package.json package-lock.json ./
# The pages' modules; the embedded engine and the tests' tools stay out.
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund

FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends cmake libssl-dev pkg-config && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
COPY --from=modules /src/node_modules node_modules
# The names of functions, which strip takes away, are a fifth of the binary.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --package resultsdb && strip -o /resultsdb target/release/resultsdb

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libssl3 \
    && rm -rf /var/lib/apt/lists/* && useradd --system --uid 10001 resultsdb
# A source of commits that is a clone is asked with this one program. Its package needs Perl, which is larger than all else here.
COPY --from=build /usr/bin/git /usr/bin/git
COPY --from=build /resultsdb /usr/local/bin/resultsdb
COPY examples/compose.toml /etc/resultsdb/config.toml
ENV RESULTSDB_CONFIG=/etc/resultsdb/config.toml
USER 10001
EXPOSE 8080
ENTRYPOINT ["resultsdb"]
