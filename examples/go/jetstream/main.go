// Command jetstream prints the events of a Jetstream server, one JSON object per line, across reconnects and restarts.
//
//	go run ./jetstream ws://localhost:6008 likes.cursor app.bsky.feed.like
//
// The file holds the time_us of the last event that was handled. A crash between handling an event and writing the file
// repeats that one event, so handling must be repeat-safe.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/coder/websocket"
)

const firstPause, lastPause = 500 * time.Millisecond, 30 * time.Second

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: jetstream SERVER CURSOR_FILE [COLLECTION...]")
	}
	server, file, collections := os.Args[1], os.Args[2], os.Args[3:]
	saved, _ := os.ReadFile(file)
	cursor, _ := strconv.ParseInt(string(saved), 10, 64)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := read(server, collections, cursor, func(event []byte, timeUS int64) {
			fmt.Printf("%s\n", event)
			save(file, timeUS)
			cursor, pause = timeUS, firstPause
		})
		log.Printf("disconnected: %v; reconnecting in %v", err, pause)
		time.Sleep(pause)
	}
}

// read handles every event after the cursor until the connection ends.
func read(server string, collections []string, cursor int64, handle func([]byte, int64)) error {
	query := url.Values{"wantedCollections": collections}
	if cursor > 0 {
		query.Set("cursor", fmt.Sprint(cursor))
	}
	conn, response, err := websocket.Dial(context.Background(), server+"/subscribe?"+query.Encode(), nil)
	if err != nil && response != nil && response.StatusCode == 400 {
		body, _ := io.ReadAll(response.Body)
		log.Fatalf("the server refuses the request: %s", body)
	} else if err != nil {
		return err
	}
	conn.SetReadLimit(4 << 20)
	defer conn.CloseNow()
	for {
		_, message, err := conn.Read(context.Background())
		if err != nil {
			return err
		}
		var event struct {
			TimeUS int64 `json:"time_us"`
		}
		// Cursors are inclusive: a reconnect repeats the event at the cursor.
		if err := json.Unmarshal(message, &event); err == nil && event.TimeUS > cursor {
			handle(message, event.TimeUS)
		}
	}
}

// save replaces the file in one step: a crash leaves the old cursor or the new one.
func save(file string, cursor int64) {
	new := file + ".new"
	if os.WriteFile(new, fmt.Append(nil, cursor), 0o644) != nil || os.Rename(new, file) != nil {
		log.Fatal("cannot write ", file)
	}
}
