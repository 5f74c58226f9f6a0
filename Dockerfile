# The operator's image. Bases are pinned by version; give PYTHON_DIGEST to pin them by digest too, and PYTHON_IMAGE to
# take them from another registry:
#   docker build --build-arg PYTHON_DIGEST=@sha256:… --build-arg REVISION="$(git rev-parse HEAD)" -t IMAGE .
ARG PYTHON_IMAGE=docker.io/library/python
ARG PYTHON_VERSION=3.11.13-slim-bookworm
ARG PYTHON_DIGEST=

FROM ${PYTHON_IMAGE}:${PYTHON_VERSION}${PYTHON_DIGEST} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /build
# What builds the wheel stays in this stage.
COPY requirements-dev.lock ./
RUN python -m venv tools && tools/bin/pip install --require-hashes -r requirements-dev.lock
# A layer of its own: dependencies change less often than the code.
COPY requirements.lock ./
RUN python -m venv --without-pip /opt/venv \
 && pip --python /opt/venv/bin/python install --require-hashes --only-binary=:all: -r requirements.lock
COPY pyproject.toml README.md ./
COPY operator/ operator/
RUN tools/bin/python -m build --wheel --no-isolation --outdir dist \
 && wheel="$(realpath dist/*.whl)" \
 && hash="$(sha256sum "${wheel}" | cut -d ' ' -f 1)" \
 && echo "runai-nim-operator @ file://${wheel} --hash=sha256:${hash}" > wheel.lock \
 && pip --python /opt/venv/bin/python install --require-hashes --no-deps -r wheel.lock \
 && /opt/venv/bin/runai-nim --help > /dev/null
# Compiled at each start, since nothing may be written, the imports took 2.1 s instead of 0.7 s. No time is in what comes
# of it: the same sources give the same bytes.
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

FROM ${PYTHON_IMAGE}:${PYTHON_VERSION}${PYTHON_DIGEST}
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="runai-nim-operator" \
      org.opencontainers.image.description="NVIDIA Run:ai's NIM workloads as RunaiNimService, served by the NVIDIA NIM Operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Nothing in it installs or builds anything any more.
RUN python -m pip uninstall --yes pip setuptools wheel \
 && python -m compileall -q --invalidation-mode unchecked-hash /usr/local/lib
COPY --from=build /opt/venv /opt/venv
# The root file system may be read-only.
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /
EXPOSE 8080
ENTRYPOINT ["python", "-m", "runai_nim"]
