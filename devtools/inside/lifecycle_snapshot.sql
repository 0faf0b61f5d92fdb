-- What a database consists of, as lines "kind name": its schema, and the rows by which
-- Odoo and its users would notice an addon.

-- The schema
SELECT concat_ws(' ', 'relation', relkind, relname)
  FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL
SELECT concat_ws(' ', 'column', table_name, column_name, data_type)
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT concat_ws(' ', 'trigger', tgrelid::regclass, tgname)
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT concat_ws(' ', 'function', oid::regprocedure)
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT concat_ws(' ', 'type', typname)
  FROM pg_type WHERE typnamespace = 'public'::regnamespace

-- What Odoo knows of models
UNION ALL
SELECT concat_ws(' ', 'ir_model', model) FROM ir_model
UNION ALL
SELECT concat_ws(' ', 'ir_model_fields', model, name) FROM ir_model_fields
UNION ALL
SELECT concat_ws(' ', 'ir_model_fields_selection', field.model, field.name, value)
  FROM ir_model_fields_selection AS selection
  JOIN ir_model_fields AS field ON field.id = selection.field_id
UNION ALL
SELECT concat_ws(' ', 'ir_model_inherit', model_id, parent_id) FROM ir_model_inherit
UNION ALL
SELECT concat_ws(' ', 'ir_model_constraint', name) FROM ir_model_constraint
UNION ALL
SELECT concat_ws(' ', 'ir_model_relation', name) FROM ir_model_relation
UNION ALL
SELECT concat_ws(' ', 'ir_model_access', name) FROM ir_model_access
UNION ALL
SELECT concat_ws(' ', 'ir_rule', name) FROM ir_rule
UNION ALL
SELECT concat_ws(' ', 'ir_default', field_id) FROM ir_default
UNION ALL
-- Not the external ids of the accounts that a chart of accounts brings
SELECT concat_ws(' ', 'ir_model_data', module, name, model)
  FROM ir_model_data WHERE NOT (module = 'account' AND name ~ '^[0-9]+_')

-- What people and the server see
UNION ALL
SELECT concat_ws(' ', 'ir_module_module', name, state) FROM ir_module_module
UNION ALL
SELECT concat_ws(' ', 'ir_module_category', name) FROM ir_module_category
UNION ALL
SELECT concat_ws(' ', 'res_groups_privilege', name) FROM res_groups_privilege
UNION ALL
SELECT concat_ws(' ', 'res_groups', name) FROM res_groups
UNION ALL
SELECT concat_ws(' ', 'ir_ui_view', name, model) FROM ir_ui_view
UNION ALL
SELECT concat_ws(' ', 'ir_ui_menu', name) FROM ir_ui_menu
UNION ALL
SELECT concat_ws(' ', 'ir_actions', type, name) FROM ir_actions
UNION ALL
SELECT concat_ws(' ', 'ir_filters', model_id, name) FROM ir_filters
UNION ALL
SELECT concat_ws(' ', 'ir_cron', cron_name) FROM ir_cron
UNION ALL
SELECT concat_ws(' ', 'ir_config_parameter', key) FROM ir_config_parameter
UNION ALL
SELECT concat_ws(' ', 'ir_asset', path) FROM ir_asset
UNION ALL
SELECT concat_ws(' ', 'ir_attachment', name, url, res_model)
  FROM ir_attachment
 WHERE concat_ws(' ', url, res_model) LIKE '%customer_classification%'
    OR res_model LIKE 'customer.%'
