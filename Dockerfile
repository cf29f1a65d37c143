# The worker: dependencies from the lock with hashes, no build tools in what runs, not root, nothing written at run time.
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /build
COPY requirements/ requirements/
RUN python -m venv /opt/exora \
 && /opt/exora/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && /opt/exora/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY src/ src/
COPY examples/documents/ examples/documents/
RUN /opt/exora/bin/pip install --no-cache-dir --no-index --no-deps --no-build-isolation . \
 && /opt/exora/bin/pip uninstall --yes hatchling pathspec trove-classifiers setuptools pip

FROM python:${PYTHON}
RUN groupadd --gid 10001 exora \
 && useradd --uid 10001 --gid exora --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin exora
COPY --from=build /opt/exora /opt/exora
ENV PATH=/opt/exora/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /
EXPOSE 10000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '10000') + '/health', timeout=4)"]
CMD ["exora", "worker"]
