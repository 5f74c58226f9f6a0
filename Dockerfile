# The operator's image: Python, the libraries that it loads, and our packages; no shell, no package manager, no setuid.
# The base is pinned by version and by digest (of the index for all architectures); PYTHON_IMAGE takes it from another
# registry. `make image` builds this with buildah or Docker, also where no registry can be reached; plainly it is
#   docker build --build-arg VERSION=0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" -t IMAGE .
ARG PYTHON_IMAGE=docker.io/library/python
ARG PYTHON_VERSION=3.11.17-slim-bookworm
ARG PYTHON_DIGEST=@sha256:0a310eeecf4e1f5a0743f9a6520c90c88d089c903ca5fd283f501e3a805f5f89

FROM ${PYTHON_IMAGE}:${PYTHON_VERSION}${PYTHON_DIGEST} AS dependencies
# PYTHONHASHSEED: the same sources give the same bytes, compiled code too.
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_QUIET=1 PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
WORKDIR /build
# pip's configuration and certificates are secrets of the build, if there are any: no image holds them. Wheels are kept
# for the next build as files, since not every index lets pip keep its answers; their hashes are asked for each time.
COPY requirements-build.lock ./
RUN --mount=type=cache,target=/var/cache/wheels \
    --mount=type=secret,id=pip_conf,target=/etc/pip.conf --mount=type=secret,id=pip_ca \
    python3 -m venv tools \
 && tools/bin/pip download --require-hashes --only-binary=:all: --dest /var/cache/wheels -r requirements-build.lock \
 && tools/bin/pip install --require-hashes --no-index --find-links /var/cache/wheels -r requirements-build.lock
COPY requirements.lock ./
RUN --mount=type=cache,target=/var/cache/wheels \
    --mount=type=secret,id=pip_conf,target=/etc/pip.conf --mount=type=secret,id=pip_ca \
    tools/bin/pip download --require-hashes --only-binary=:all: --dest /var/cache/wheels -r requirements.lock \
 && python3 -m venv --without-pip /opt/venv \
 && tools/bin/pip --python /opt/venv/bin/python install --no-compile \
      --require-hashes --no-index --find-links /var/cache/wheels -r requirements.lock
COPY scripts/image_contents.py ./
RUN python3 image_contents.py packages /opt/venv

FROM dependencies AS runtime
RUN python3 image_contents.py runtime /runtime /opt/venv

FROM dependencies AS application
COPY pyproject.toml README.md ./
COPY operator/ operator/
RUN tools/bin/python -m hatchling build -t wheel -d dist \
 && tools/bin/pip --python /opt/venv/bin/python install --no-compile --no-deps --no-index \
      --prefix /opt/application dist/*.whl \
 && python3 image_contents.py compile /opt/application /opt/venv

FROM scratch
ARG PYTHON_IMAGE
ARG PYTHON_VERSION
ARG PYTHON_DIGEST
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="runai-nim-operator" \
      org.opencontainers.image.description="NVIDIA Run:ai's NIM workloads as RunaiNimService, served by the NVIDIA NIM Operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}:${PYTHON_VERSION}${PYTHON_DIGEST}"
# What changes least comes first: a new version of ours is a layer of 2 MB.
COPY --from=runtime /runtime /
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=application /opt/application /opt/venv
# The root file system may be read-only.
ENV PATH=/opt/venv/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /
EXPOSE 8080
ENTRYPOINT ["python", "-m", "runai_nim"]
