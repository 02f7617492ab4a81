# The image of a margay node or reflector. Needs of the kernel: NET_ADMIN to write routes, and nothing else of root's powers.
FROM node:24-bookworm-slim AS build
WORKDIR /margay
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.sh scripts/
COPY src src
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends nftables && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/margay
COPY --from=build /margay/node_modules node_modules
COPY --from=build /margay/dist dist
COPY package.json LICENSE ./
COPY bin bin
COPY proto proto
# The socket's directory is the group's too, so that a reflector, which needs no power at all, may run as `node`.
RUN ln -s /opt/margay/bin/margay.js /usr/local/bin/margay && install -d -g node -m 0775 /run/margay
ENTRYPOINT ["margay"]
CMD ["node", "--config", "/etc/margay/node.yaml"]
# Alive is who answers. A lost peer is no reason to restart a daemon: `margay status --check` tells that, for readiness probes.
HEALTHCHECK --interval=30s --timeout=10s --start-period=5s CMD ["margay", "status"]
