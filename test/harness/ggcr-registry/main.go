// SPDX-License-Identifier: Apache-2.0

// Command ggcr-registry serves go-containerregistry's in-memory registry with the referrers API on, and prints the port it listens on.
// GET /_requests answers with how many requests and bytes there were since the last such question.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "host:port to listen on; port 0 takes a free one")
	delay := flag.Duration("delay", 0, "time added to each request, as a far registry would")
	flag.Parse()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	quiet := log.New(io.Discard, "", 0)
	log.Fatal(http.Serve(listener, counted(registry.New(registry.WithReferrersSupport(true), registry.Logger(quiet)), *delay)))
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
