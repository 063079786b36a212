# The image: Python and a virtual environment, nothing else. Build it with
#   docker build --tag mailroom .
# `scripts/image` builds and tests it without a Docker engine.
#
# To use a package index or a certificate authority of your own, pass them as secrets; nothing of them
# stays in the image:
#   docker build --secret id=pip,src=pip.conf --secret id=uv,src=uv.toml --secret id=ca,src=ca.pem .
ARG BASE=python:3.13-slim

FROM ${BASE} AS builder
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV=/opt/mailroom
WORKDIR /src
COPY scripts/deploy/build.txt requirements.txt ./
# One package is available as source only (authres, pure Python), so its build tools are pinned too.
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=uv,target=/etc/uv/uv.toml \
    python3 -m venv /opt/build \
    && /opt/build/bin/pip install --quiet --require-hashes -r build.txt \
    && /opt/build/bin/uv venv --quiet --python python3 "$VIRTUAL_ENV" \
    && /opt/build/bin/uv pip install --quiet --require-hashes \
        --build-constraints build.txt -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY mailroom mailroom
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=uv,target=/etc/uv/uv.toml \
    /opt/build/bin/uv pip install --quiet --no-deps --build-constraints build.txt .
# Compile without docstrings and without the column numbers of tracebacks, which only people read: the image
# and the process are 3 MB smaller.
RUN PYTHONNODEBUGRANGES=1 "$VIRTUAL_ENV/bin/python" -OO -m compileall -q -j 0 "$VIRTUAL_ENV/lib"

FROM ${BASE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Mailroom" \
      org.opencontainers.image.description="HEY's Screener for any JMAP mail account" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=builder /opt/mailroom /opt/mailroom
ENV PATH=/opt/mailroom/bin:$PATH PYTHONUNBUFFERED=1 PYTHONOPTIMIZE=2
# The base image has no compiled standard library. This compiles the part of it that Mailroom imports,
# which would be compiled at every start otherwise.
RUN PYTHONNODEBUGRANGES=1 python -c "import importlib, pkgutil, mailroom; \
    modules = pkgutil.walk_packages(mailroom.__path__, 'mailroom.'); \
    [importlib.import_module(module.name) for module in modules]"
ENV PYTHONDONTWRITEBYTECODE=1
# mailroom.yaml is read from here.
WORKDIR /etc/mailroom
USER 10001:10001
# 8080: health checks and metrics. 8081: the page, if it is on.
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=120s --timeout=10s --start-period=30s --retries=2 CMD ["mailroom", "health"]
ENTRYPOINT ["mailroom"]
CMD ["run"]
