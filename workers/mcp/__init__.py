"""Questions as the tools of an assistant, by the Model Context Protocol (https://modelcontextprotocol.io)."""
