# The image of the API and of workers: docker build -t millrace .
#   api      docker run … millrace                   (serve api, the default)
#   worker   docker run … millrace serve worker
#   services docker run … millrace services keep, for what workers beside it deploy as programs (see docker-compose.yml)
# Configuration: the variables of .env.example. It starts no stores: MONGODB_URI and REDIS_URL are needed.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-progress
COPY nest-cli.json tsconfig.json tsconfig.build.json bundle.mjs docs-pages.mjs README.md ./
COPY docs docs
COPY src src
RUN npm run build && npm prune --omit=dev --no-progress

FROM ${NODE_IMAGE}
# git and git-lfs: what clones, and for steps. tini: collects orphans of steps. openssl: make-certificate.
RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
    ca-certificates git git-lfs openssh-client openssl tini \
  && rm -rf /var/lib/apt/lists/* \
  && groupadd --gid 10001 millrace \
  && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin millrace \
  && install --directory --owner=millrace --group=millrace --mode=0700 /data
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE millrace ./
COPY examples examples
COPY deploy/make-certificate deploy/make-certificate
ENV NODE_ENV=production HOST=0.0.0.0 MILLRACE_HOME=/data
USER millrace
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8000/api/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/app/millrace"]
CMD ["serve", "api"]
