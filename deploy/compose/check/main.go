// Loads compose files as Docker Compose does, with Compose's own loader, and prints the project as JSON.
//
//	compose-check [-profile NAME]... FILE [FILE]...
//
// A file that Compose would refuse is refused here, with the same words. "-profile *" turns all profiles on.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

type names []string

func (n *names) String() string { return fmt.Sprint(*n) }

func (n *names) Set(name string) error {
	*n = append(*n, name)
	return nil
}

func main() {
	var profiles names
	flag.Var(&profiles, "profile", "a profile to turn on; may be given again")
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	document, err := load(flag.Args(), profiles)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(string(document))
}

// load gives the project as Compose would run it. Nothing is taken from the environment of this process or from a
// .env file that lies around: the same files give the same document everywhere.
func load(files []string, profiles []string) ([]byte, error) {
	options, err := cli.NewProjectOptions(files, cli.WithProfiles(profiles), cli.WithResolvedPaths(true))
	if err != nil {
		return nil, err
	}
	project, err := cli.ProjectFromOptions(context.Background(), options)
	if err != nil {
		return nil, err
	}
	return project.MarshalJSON()
}
