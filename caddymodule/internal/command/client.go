package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"text/tabwriter"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// adminRequest calls the admin API of the running server. An answer of 400 or
// above is an error that says what the server said.
func adminRequest(fl caddycmd.Flags, method, uri string, body any) (*http.Response, error) {
	address, err := caddycmd.DetermineAdminAPIAddress(fl.String("address"), nil, "", "")
	if err != nil {
		return nil, fmt.Errorf("finding the admin API: %w", err)
	}
	headers := http.Header{}
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

// printTable prints rows of two columns, or the raw JSON with --json.
func printTable(fl caddycmd.Flags, raw []byte, rows [][2]string) (int, error) {
	if fl.Bool("json") {
		_, err := fmt.Fprintln(os.Stdout, string(bytes.TrimSpace(raw)))
		return caddy.ExitCodeSuccess, err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	for _, row := range rows {
		line := row[0]
		if row[1] != "" {
			line += "\t" + row[1]
		}
		fmt.Fprintln(table, line)
	}
	return caddy.ExitCodeSuccess, table.Flush()
}
