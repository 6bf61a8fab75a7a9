# Sourced by hack/tools and hack/cluster/build: builds programs from Go modules at exact versions, checked by Go's checksums.
# shellcheck shell=bash

need_go() {
  command -v go >/dev/null || die "Go is not installed: install Go 1.24 or newer (https://go.dev/dl), it fetches a newer one where a module asks for it."
}

# module_folder MODULE VERSION: its unpacked source in Go's module cache, fetched where it is missing.
module_folder() {
  local answer
  answer=$(cd / && GOFLAGS='' go mod download -json "$1@$2") ||
    die "$1 $2 could not be fetched: is the Go module proxy reachable (GOPROXY=$(go env GOPROXY))? $(sed -n 's/^\t"Error": //p' <<<"$answer")"
  sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p' <<<"$answer"
}

# build FOLDER PACKAGE OUT [LDFLAGS [TAGS]]: in the module's own folder its replacements count, as they did for its makers.
# A go.work names modules that are not published with it.
build() {
  say "building ${3##*/}"
  CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly go build -C "$1" -trimpath -buildvcs=false -ldflags "-s -w ${4:-}" -tags "${5:-}" \
    -o "$3.part" "$2" >&2 ||
    die "${3##*/} was not built; Go says why above."
  mv "$3.part" "$3" # a build that was cut short never looks like one
}

# kubernetes_flags VERSION: what Kubernetes' own programs say when asked for their version.
kubernetes_flags() {
  local package=k8s.io/component-base/version major minor rest
  IFS=. read -r major minor rest <<<"${1#v}"
  printf -- '-X %s.%s ' "$package" "gitVersion=$1" "$package" "gitMajor=$major" "$package" "gitMinor=$minor" \
    "$package" gitTreeState=clean "$package" gitCommit=unknown "$package" buildDate=1970-01-01T00:00:00Z
}
