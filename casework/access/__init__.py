"""Who may do what: permissions, roles, actor, policy registry, Grant."""
