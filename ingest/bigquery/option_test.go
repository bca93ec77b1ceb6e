package bigquery_test

import (
	"net/http"

	"google.golang.org/api/option"
)

func endpoint(url string) option.ClientOption { return option.WithEndpoint(url + "/bigquery/v2/") }

func withClient(c *http.Client) option.ClientOption { return option.WithHTTPClient(c) }
