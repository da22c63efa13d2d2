// SPDX-License-Identifier: Apache-2.0

// Command ggcr-registry serves go-containerregistry's in-memory registry with the referrers API on, and prints the port it listens on.
// GET /_requests answers with how many requests and bytes there were since the last such question.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "host:port to listen on; port 0 takes a free one")
	delay := flag.Duration("delay", 0, "time added to each request, as a far registry would")
	indexed := flag.Bool("indexed", false, "answer referrers lists from an index, and pushes with OCI-Subject, instead of reading every manifest for each list")
	flag.Parse()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	handler := registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0)))
	if *indexed {
		handler = &index{next: handler, lists: map[string]map[string]descriptor{}}
	}
	log.Fatal(http.Serve(listener, counted(handler, *delay)))
}

func counted(next http.Handler, delay time.Duration) http.Handler {
	var requests, received, sent atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_requests" {
			fmt.Fprintf(w, `{"requests":%d,"received":%d,"sent":%d}`, requests.Swap(0), received.Swap(0), sent.Swap(0))
			return
		}
		requests.Add(1)
		if r.ContentLength > 0 {
			received.Add(r.ContentLength)
		}
		time.Sleep(delay)
		next.ServeHTTP(&measured{w, &sent}, r)
	})
}

type measured struct {
	http.ResponseWriter
	sent *atomic.Int64
}

func (m *measured) Write(bytes []byte) (int, error) {
	m.sent.Add(int64(len(bytes)))
	return m.ResponseWriter.Write(bytes)
}

type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int               `json:"size"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

// index keeps, by repository and subject, what refers to it, as registries with a database do. Deletes are not followed: benchmarks make none.
type index struct {
	next  http.Handler
	mutex sync.RWMutex
	lists map[string]map[string]descriptor
}

func (i *index) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	repository, subject, isList := strings.Cut(r.URL.Path, "/referrers/")
	if isList && r.Method == http.MethodGet {
		i.list(w, repository+"@"+subject)
		return
	}
	repository, _, isManifest := strings.Cut(r.URL.Path, "/manifests/")
	if isManifest && r.Method == http.MethodPut {
		i.put(w, r, repository)
		return
	}
	i.next.ServeHTTP(w, r)
}

func (i *index) list(w http.ResponseWriter, key string) {
	i.mutex.RLock()
	manifests := make([]descriptor, 0, len(i.lists[key]))
	for _, entry := range i.lists[key] {
		manifests = append(manifests, entry)
	}
	i.mutex.RUnlock()
	w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
	_ = json.NewEncoder(w).Encode(map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests})
}

func (i *index) put(w http.ResponseWriter, r *http.Request, repository string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var manifest struct {
		ArtifactType string `json:"artifactType"`
		Config       struct {
			MediaType string `json:"mediaType"`
		} `json:"config"`
		Subject *struct {
			Digest string `json:"digest"`
		} `json:"subject"`
		Annotations map[string]string `json:"annotations"`
	}
	_ = json.Unmarshal(body, &manifest)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if manifest.Subject == nil {
		i.next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("OCI-Subject", manifest.Subject.Digest)
	outcome := &status{ResponseWriter: w}
	i.next.ServeHTTP(outcome, r)
	if outcome.code != http.StatusCreated {
		return
	}
	entry := descriptor{r.Header.Get("Content-Type"), w.Header().Get("Docker-Content-Digest"), len(body), manifest.ArtifactType, manifest.Annotations}
	if entry.ArtifactType == "" {
		entry.ArtifactType = manifest.Config.MediaType
	}
	key := repository + "@" + manifest.Subject.Digest
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.lists[key] == nil {
		i.lists[key] = map[string]descriptor{}
	}
	i.lists[key][entry.Digest] = entry
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}
