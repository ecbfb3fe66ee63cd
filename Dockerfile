# The broker as a container: one static binary, no shell, no root.
#
#   docker build --build-arg VERSION="$(git describe --tags --always)" -t linkmail .
#
# deploy/compose.yaml puts a TLS front in front of it.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=container
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.release=$VERSION" -o /out/ ./cmd/linkmail
# A volume that is mounted over an empty directory gets its owner and mode.
RUN install -d -m 0700 -o 65532 -g 65532 /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/linkmail /linkmail
COPY --from=build --chown=65532:65532 /out/data /data
ENV XDG_DATA_HOME=/data
VOLUME /data
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/linkmail"]
CMD ["broker", "--listen", "0.0.0.0:8080"]
