"""The Grafana dashboards: what a panel is, the expressions that they show, a file a dashboard, and their JSON."""
