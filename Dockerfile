# The image of smtpd: `docker build -t smtpd .`, and docs/container.md for the rest.

# A mirror, or another Node from 20.19 on.
ARG BASE=node:24-slim

# What builds stays here. A builder without a network takes what `npm run image:prepare -- FOLDER/image` made in this stage's place:
# `--build-context build=FOLDER`.
FROM ${BASE} AS build
WORKDIR /build
COPY . .
# No package of the build needs its scripts; those of Bun and Deno, which tests run on, fetch programs.
RUN npm ci --ignore-scripts && npm run image:prepare -- /image

# Nothing is run in this stage: it needs no shell, and can be built for another processor.
FROM ${BASE}
COPY --from=build /image/app /app
COPY --from=build --chown=1000:1000 /image/data /data

# Others reach a container by all its addresses, so that the page has a password: one is made and printed where none is given.
ENV PATH=/app/bin:$PATH \
    NODE_ENV=production \
    XDG_STATE_HOME=/data/state \
    SMTPD_INBOX_LISTEN=:1025 \
    SMTPD_INBOX_HTTP=:8025 \
    SMTPD_INBOX_HTTP_HOST=inbox,smtpd \
    SMTPD_INBOX_DATA=/data/mail \
    SMTPD_INBOX_GENERATE_PASSWORD=1

# By number: Kubernetes knows by it that this is not root.
USER 1000:1000
VOLUME /data
EXPOSE 1025 8025
HEALTHCHECK --interval=5s --timeout=5s --start-period=20s CMD ["node", "/app/health.mjs"]
ENTRYPOINT ["node", "/app/node_modules/smtpd/dist/cli/bin.js"]
CMD ["inbox"]
