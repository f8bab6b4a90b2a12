package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
)

// adminRequest calls the admin API of the running server. An answer of 400 or
// above is an error that says what the server said.
func adminRequest(fl caddycmd.Flags, method, uri string, body any) (*http.Response, error) {
	return request(fl, method, uri, body, false)
}

// request is adminRequest; a long call is asked to say how far it is. A body that is an
// [io.Reader] is a file of XML.
func request(fl caddycmd.Flags, method, uri string, body any, long bool) (*http.Response, error) {
	address, err := caddycmd.DetermineAdminAPIAddress(fl.String("address"), nil, "", "")
	if err != nil {
		return nil, fmt.Errorf("finding the admin API: %w", err)
	}
	headers := http.Header{}
	if long {
		headers.Set("Accept", "application/x-ndjson")
	}
	if file, ok := body.(io.Reader); ok {
		headers.Set("Content-Type", "application/xml")
		return caddycmd.AdminAPIRequest(address, method, uri, headers, file)
	}
	var payload io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		headers.Set("Content-Type", "application/json")
		payload = bytes.NewReader(encoded)
	}
	return caddycmd.AdminAPIRequest(address, method, uri, headers, payload)
}

// adminCallJSON is adminRequest for answers that fit into memory; it returns
// them as they came and decoded.
func adminCallJSON(fl caddycmd.Flags, method, uri string, body, into any) ([]byte, error) {
	resp, err := adminRequest(fl, method, uri, body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return raw, nil
}

// adminCallLong is adminCallJSON for a call that says how far it is, which a bar shows.
func adminCallLong(fl caddycmd.Flags, method, uri string, body any, what string, into any) ([]byte, error) {
	resp, err := request(fl, method, uri, body, true)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	bar := countProgress(what)
	defer bar.end()
	lines := json.NewDecoder(resp.Body)
	for {
		var line wire.Line
		if err := lines.Decode(&line); err != nil {
			return nil, fmt.Errorf("the answer is broken off; look into the server's log: %w", err)
		}
		switch {
		case line.Error != "":
			return nil, errors.New(line.Error)
		case line.Result != nil:
			return line.Result, json.Unmarshal(line.Result, into)
		}
		bar.set(line.Done, line.Total)
	}
}

// printTable prints rows of two columns, or the raw JSON with --json.
func printTable(fl caddycmd.Flags, raw []byte, rows [][2]string) (int, error) {
	columns := make([][]string, len(rows))
	for i, row := range rows {
		columns[i] = row[:]
	}
	return printColumns(fl, raw, columns)
}

// printColumns is printTable for any number of columns.
func printColumns(fl caddycmd.Flags, raw []byte, rows [][]string) (int, error) {
	if fl.Bool("json") {
		_, err := fmt.Fprintln(os.Stdout, string(bytes.TrimSpace(raw)))
		return caddy.ExitCodeSuccess, err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	for _, row := range rows {
		for len(row) > 1 && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return caddy.ExitCodeSuccess, table.Flush()
}
