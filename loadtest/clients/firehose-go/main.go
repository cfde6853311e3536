// A consumer of the firehose on indigo's events package, as tap, rainbow and Jetstream are. Prints a line per frame.
//
//	firehose BASE_URL
//
// It reconnects itself, with the seq of the last frame that it has processed.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/events"
	"github.com/bluesky-social/indigo/events/schedulers/sequential"
	"github.com/gorilla/websocket"
	"github.com/ipld/go-car"
)

type line struct {
	Seq    int64  `json:"seq"`
	Type   string `json:"type"`
	Blocks int    `json:"blocks"`
}

type consumer struct {
	last int64
	out  *json.Encoder
}

func (c *consumer) print(seq int64, kind string, blocks int) error {
	c.last = seq
	return c.out.Encode(line{seq, kind, blocks})
}

func count(blocks []byte) (int, error) {
	reader, err := car.NewCarReader(bytes.NewReader(blocks))
	if err != nil {
		return 0, err
	}
	for count := 0; ; count++ {
		if _, err := reader.Next(); err == io.EOF {
			return count, nil
		} else if err != nil {
			return 0, err
		}
	}
}

func (c *consumer) callbacks() *events.RepoStreamCallbacks {
	return &events.RepoStreamCallbacks{
		RepoCommit: func(evt *atproto.SyncSubscribeRepos_Commit) error {
			blocks, err := count(evt.Blocks)
			if err != nil {
				return fmt.Errorf("seq %d: %w", evt.Seq, err)
			}
			return c.print(evt.Seq, "#commit", blocks)
		},
		RepoSync: func(evt *atproto.SyncSubscribeRepos_Sync) error {
			return c.print(evt.Seq, "#sync", 0)
		},
		RepoIdentity: func(evt *atproto.SyncSubscribeRepos_Identity) error {
			return c.print(evt.Seq, "#identity", 0)
		},
		RepoAccount: func(evt *atproto.SyncSubscribeRepos_Account) error {
			return c.print(evt.Seq, "#account", 0)
		},
		Error: func(evt *events.ErrorFrame) error {
			return fmt.Errorf("%s: %s", evt.Error, evt.Message)
		},
	}
}

func (c *consumer) read(ctx context.Context, base string) error {
	url := base + "/xrpc/com.atproto.sync.subscribeRepos"
	if c.last > 0 {
		url = fmt.Sprintf("%s?cursor=%d", url, c.last)
	}
	con, _, err := websocket.DefaultDialer.DialContext(ctx, url, http.Header{})
	if err != nil {
		return err
	}
	defer con.Close()
	scheduler := sequential.NewScheduler("fanjet", c.callbacks().EventHandler)
	return events.HandleRepoStream(ctx, con, scheduler, nil)
}

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	c := consumer{out: json.NewEncoder(os.Stdout)}
	for {
		err := c.read(context.Background(), os.Args[1])
		slog.Info("the connection ended", "error", err)
		time.Sleep(200 * time.Millisecond)
	}
}
