# Configuration: what is classified, and how
from . import customer_code_mixin
from . import customer_engine_links_mixin
from . import customer_usage_mixin
from . import customer_dimension_group
from . import customer_dimension
from . import customer_dimension_fields
from . import customer_dimension_settings
from . import customer_dimension_access
from . import customer_dimension_editing
from . import customer_category
from . import customer_category_holders
from . import customer_category_merge
from . import customer_category_tree
from . import customer_contradiction
from . import customer_dimension_level
from . import customer_dimension_rule
from . import customer_dimension_criterion
from . import customer_category_ranking
from . import customer_metric
from . import customer_metric_editing
from . import customer_metric_fields
from . import ir_model_fields
from . import ir_model_fields_metric
from . import ir_module_module
from . import res_company
from . import res_config_settings

# Where that configuration is used, and its exchange as a file
from . import customer_usage
from . import customer_dimension_usage
from . import customer_category_usage
from . import customer_exchange
from . import customer_exchange_export
from . import customer_exchange_read
from . import customer_exchange_values
from . import customer_exchange_import

# What changed: a queue that triggers of the database fill
from . import customer_change
from . import customer_change_triggers
from . import res_company_change
from . import account_account_change

# Facts: one narrow row per customer and company
from . import customer_hidden_mixin
from . import customer_rows_mixin
from . import account_move_index
from . import customer_facts_mixin
from . import customer_figures
from . import customer_figures_query
from . import customer_payment_figures
from . import customer_payment_imagined
from . import account_reconcile_index
from . import customer_product_figures
from . import customer_product_share
from . import customer_product_seen
from . import customer_facts_imagined
from . import product_category
from . import customer_metric_query
from . import customer_metric_check
from . import customer_metric_update
from . import customer_metric_score
from . import customer_metric_access
from . import customer_metric_value
from . import customer_metric_records
from . import res_partner_statistics
from . import customer_population

# Frozen versions of that configuration
from . import customer_ruleset
from . import customer_ruleset_lifecycle
from . import customer_ruleset_part
from . import customer_ruleset_criterion
from . import customer_ruleset_limit
from . import customer_ruleset_rule
from . import customer_ruleset_judging
from . import customer_ruleset_score
from . import customer_ruleset_inputs
from . import customer_ruleset_matches
from . import customer_ruleset_conditions
from . import customer_ruleset_values
from . import customer_ruleset_proposal

# Staging: what a run would set
from . import customer_staging

# Results: the engine's, the people's, and what changed
from . import customer_assignment
from . import customer_assignment_merge
from . import customer_override
from . import customer_override_effect
from . import customer_override_difference
from . import customer_override_record
from . import customer_override_merge
from . import customer_assignment_history
from . import customer_explanation
from . import customer_explanation_score
from . import customer_receipt
from . import customer_receipt_text
from . import customer_outlook
from . import customer_outlook_payment
from . import customer_outlook_text
from . import customer_outlook_payment_text
from . import customer_assignment_receipt
from . import customer_assignment_rules

# Decisions about many customers at a time
from . import customer_bulk
from . import customer_bulk_line
from . import customer_bulk_row
from . import customer_bulk_preview
from . import customer_bulk_reference
from . import customer_bulk_apply
from . import customer_bulk_schedule
from . import customer_bulk_undo

# Orchestration: the run reads as the flow above
from . import customer_classification_run
from . import customer_classification_run_line
from . import customer_classification_scope
from . import customer_run_plan
from . import customer_run_jobs
from . import customer_run_schedule

# What a version would change, before it does
from . import customer_comparison
from . import customer_comparison_cell
from . import customer_comparison_row
from . import customer_comparison_stay
from . import customer_comparison_matrix

# Drafts: other rules, tried, compared, applied
from . import customer_dimension_apply
from . import customer_dimension_rule_names
from . import res_company_apply
from . import customer_draft
from . import customer_draft_part
from . import customer_draft_criterion
from . import customer_draft_rule
from . import customer_draft_limit
from . import customer_draft_compare
from . import customer_draft_apply
from . import customer_draft_schedule
from . import customer_draft_version
from . import customer_dimension_draft

# The brake: what would change too many waits for a manager
from . import customer_dimension_brake
from . import customer_hold
from . import customer_hold_decision
from . import customer_hold_customer
from . import customer_run_brake

# Undo: versions taken back, runs reverted
from . import customer_ruleset_return
from . import customer_run_undo
from . import customer_undo_row

# Checks and previews: a run that is taken back
from . import customer_rehearsal
from . import customer_linter
from . import customer_linter_feeds

# The check: what is classified against the ledger and a computation anew
from . import customer_check
from . import customer_check_line
from . import customer_check_ledger
from . import customer_check_recompute
from . import customer_check_difference
from . import customer_check_schedule

# For people: automation rules, messages, import, privacy, contact tags
from . import customer_category_change
from . import customer_change_publication
from . import customer_change_notification
from . import customer_override_import
from . import customer_override_origin
from . import customer_history_anonymous
from . import customer_override_expiry
from . import customer_override_review
from . import customer_history_layers
from . import customer_history_revenue
from . import customer_exclusion

# The history: what was shown on a day, how customers moved, how long it is kept
from . import customer_history_retention
from . import customer_history_total
from . import customer_time_travel
from . import customer_movement

# Where people see it
from . import res_partner
from . import res_partner_figures
from . import res_partner_payment
from . import res_partner_product
from . import res_partner_search
from . import res_partner_metric
from . import customer_score_secrecy
from . import res_partner_days
from . import res_partner_search_several
from . import res_partner_master_data
from . import res_partner_search_changes
from . import res_partner_quality
from . import res_partner_quality_count
from . import res_partner_panel
from . import res_partner_view
from . import res_partner_profile
from . import res_partner_timeline
from . import ir_http
from . import res_partner_privacy

# One way into Odoo's own contact tags
from . import customer_tag_mirror

# Campaigns: whom to write to, what was approved, what it earned
from . import customer_audience
from . import customer_audience_secrecy
from . import customer_audience_query
from . import customer_audience_change
from . import customer_audience_recipients
from . import customer_audience_usage
from . import customer_audience_counts
from . import customer_audience_count
from . import customer_audience_recipient
from . import res_partner_audience
from . import mailing_trace
from . import mailing_list
from . import mailing_list_update
from . import mailing_audience
from . import customer_audience_export_log
from . import customer_campaign_template
from . import customer_campaign
from . import customer_campaign_choice
from . import customer_campaign_message
from . import customer_campaign_member
from . import customer_campaign_secrecy
from . import res_company_campaign
from . import customer_campaign_cohort
from . import customer_campaign_preview
from . import customer_campaign_approval
from . import customer_campaign_standing
from . import res_partner_campaign
from . import customer_campaign_delivery
from . import customer_campaign_dropped
from . import customer_campaign_extra
from . import customer_campaign_hold
from . import mailing_mailing
from . import mailing_mailing_send
from . import mailing_mailing_share
from . import mailing_mailing_secrecy
from . import customer_campaign_rows_mixin
from . import customer_campaign_result
from . import customer_campaign_result_query
from . import customer_campaign_category_result
from . import customer_campaign_comparison
from . import customer_campaign_overlap
from . import customer_campaign_refresh
from . import customer_campaign_sentence
