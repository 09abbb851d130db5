# docs/docker.md says how to build and run this image.

ARG BASE=nvidia/cuda:12.9.1-base-ubuntu24.04
FROM ${BASE}

# cuda12, cuda13 or cpu; the base image needs only the driver's interface, the libraries are wheels.
ARG EXTRA=cuda12

RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

COPY pyproject.toml constraints.txt README.md LICENSE /src/
COPY af3cli /src/af3cli
RUN python3 -m venv /opt/af3cli \
    && if [ "$EXTRA" = cpu ]; then extras=plots; else extras="plots,$EXTRA"; fi \
    && /opt/af3cli/bin/pip install --no-cache-dir --constraint /src/constraints.txt "/src[$extras]" \
    && rm -rf /src

# Any user may be given with --user, so the cache is open to all.
RUN useradd --create-home af3 && mkdir --mode=1777 /cache && mkdir /weights /work \
    && chown af3 /work
# Huge pages for large arrays: computing on a processor is some percent faster with them.
ENV GLIBC_TUNABLES=glibc.malloc.hugetlb=1
ENV AF3_WEIGHTS=/weights XDG_CACHE_HOME=/cache PATH=/opt/af3cli/bin:$PATH
VOLUME ["/weights", "/cache"]
WORKDIR /work
USER af3

ENTRYPOINT ["af3"]
CMD ["--help"]
