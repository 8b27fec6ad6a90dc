# One image, every role: `node services/main.ts <role>`. The pages are built here; nothing is compiled at run time.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /anlin
COPY package.json package-lock.json ./
# Everything that a build needs, and no scripts of ours before our sources are there.
RUN npm ci --ignore-scripts
COPY . .
RUN npm run prepare && npm prune --omit=dev --ignore-scripts

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /anlin
COPY --from=build --chown=root:root /anlin/package.json ./
COPY --from=build --chown=root:root /anlin/node_modules ./node_modules
COPY --from=build --chown=root:root /anlin/devices ./devices
COPY --from=build --chown=root:root /anlin/services ./services
COPY --from=build --chown=root:root /anlin/dashboards/dist ./dashboards/dist
USER node
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "services/main.ts"]
CMD ["all"]
