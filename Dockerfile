# syntax=docker/dockerfile:1
# The three services' image: the binary alone, without the embedded engine, started as a user without rights.
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
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --package resultsdb && cp target/release/resultsdb /resultsdb

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl git libssl3 \
    && rm -rf /var/lib/apt/lists/* && useradd --system --uid 10001 resultsdb
COPY --from=build /resultsdb /usr/local/bin/resultsdb
COPY examples/compose.toml /etc/resultsdb/config.toml
ENV RESULTSDB_CONFIG=/etc/resultsdb/config.toml
USER 10001
EXPOSE 8080
ENTRYPOINT ["resultsdb"]
