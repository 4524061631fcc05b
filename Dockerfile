# Twinward in a container: the sources as they are, production dependencies without the embedded hub's, no build step. Node 24 runs TypeScript, but
# not below node_modules, so the sources lie in /app.
#
#   docker build -t twinward .
#   docker run --rm --read-only --cap-drop ALL --security-opt no-new-privileges \
#     -p 127.0.0.1:8080:8080 -v "$PWD/manifests:/manifests:ro" -e IOTHUB_CONNECTION_STRING twinward
#
# Both stages start from one base, pinned by its exact version. A release adds the digest behind the tag
# (node:24.21.0-bookworm-slim@sha256:..., as `docker buildx imagetools inspect` prints it), which only the registry
# knows. The version is that of the dev dependency `node` in package.json.
ARG BASE=node:24.21.0-bookworm-slim

FROM ${BASE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# No install script runs, and the dev dependency `node`, a second copy of the runtime, stays out.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM ${BASE}
ARG BASE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Twinward" \
      org.opencontainers.image.description="GitOps for Azure IoT Hub security module twins" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY src ./src
ENV NODE_ENV=production \
    TWINWARD_MANIFESTS=/manifests \
    TWINWARD_BIND_ADDRESS=0.0.0.0:8080
USER 65532:65532
EXPOSE 8080
# The controller writes no file. `demo` and `hub` are for a clone: they need the optional packages.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TWINWARD_BIND_ADDRESS.split(':').pop()}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node is process 1 and gets SIGTERM itself; src/main.ts handles it. Calls in flight have ten seconds.
ENTRYPOINT ["node", "/app/bin/twinward.js"]
CMD ["run"]
