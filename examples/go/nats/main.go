// Command nats prints the events of collections from Fanjet's log in NATS, one per line: the stream sequence, a tab, the JSON.
//
//	export NATS_URL=nats://localhost:4222 NATS_USER=reader NATS_PASSWORD=... NATS_DOMAIN=fanjet
//	go run ./nats likes 0 app.bsky.feed.like
//
// The consumer ("likes") is durable: NATS keeps its position, and several processes with the same name share the work. The
// number is a time_us to begin at when the consumer is new; 0 is the oldest event. After a crash, events that were not
// acknowledged come again, so handling must be repeat-safe: the stream sequence identifies an event forever.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: nats CONSUMER SINCE_TIME_US COLLECTION...")
	}
	name, collections := os.Args[1], os.Args[3:]
	since, _ := strconv.ParseInt(os.Args[2], 10, 64)
	login := nats.UserInfo(os.Getenv("NATS_USER"), os.Getenv("NATS_PASSWORD"))
	nc, err := nats.Connect(os.Getenv("NATS_URL"), login, nats.MaxReconnects(-1))
	check(err)
	js, err := jetstream.New(nc)
	if domain := os.Getenv("NATS_DOMAIN"); domain != "" {
		js, err = jetstream.NewWithDomain(nc, domain)
	}
	check(err)
	consumer, err := js.Consumer(context.Background(), "ATP", name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		// Rare collections share subjects: see docs/use/nats.md.
		config := jetstream.ConsumerConfig{Durable: name, FilterSubjects: []string{"atp.commit._.*"},
			AckPolicy: jetstream.AckExplicitPolicy, AckWait: 10 * time.Second, InactiveThreshold: 72 * time.Hour}
		for _, collection := range collections {
			config.FilterSubjects = append(config.FilterSubjects, "atp.commit."+collection)
		}
		if since > 0 {
			start := time.UnixMicro(since).Add(-5 * time.Second) // NATS has another clock.
			config.DeliverPolicy, config.OptStartTime = jetstream.DeliverByStartTimePolicy, &start
		}
		consumer, err = js.CreateConsumer(context.Background(), "ATP", config)
	}
	check(err)
	_, err = consumer.Consume(func(message jetstream.Msg) {
		if meta, err := message.Metadata(); err == nil && isWanted(message, collections, since) {
			fmt.Printf("%d\t%s\n", meta.Sequence.Stream, message.Data())
		}
		_ = message.Ack() // If it is lost, the event comes again.
	}, jetstream.PullMaxMessages(100))
	check(err)
	select {}
}

// isWanted excludes messages that are not events, other collections on shared subjects, and earlier events.
func isWanted(message jetstream.Msg, collections []string, since int64) bool {
	origin, shared := message.Headers().Get("Fanjet-Origin"), message.Headers().Get("Fanjet-Collection")
	var event struct {
		TimeUS int64 `json:"time_us"`
	}
	return origin != "" && (shared == "" || slices.Contains(collections, shared)) &&
		json.Unmarshal(message.Data(), &event) == nil && event.TimeUS >= since
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
