# What the tests use where docker-compose.yml names images of a registry: Debian's Redis and nginx.
ARG NODE_IMAGE
FROM ${NODE_IMAGE}
RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends gettext-base nginx-light redis-server \
  && rm -rf /var/lib/apt/lists/*
