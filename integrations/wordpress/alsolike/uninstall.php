<?php
/**
 * Removes what the plugin stored; what the service knows stays there.
 *
 * @package AlsoLike
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

foreach ( is_multisite() ? get_sites( array( 'fields' => 'ids', 'number' => 0 ) ) : array( get_current_blog_id() ) as $alsolike_site ) { // phpcs:ignore WordPress.Arrays
	if ( is_multisite() ) {
		switch_to_blog( $alsolike_site );
	}
	global $wpdb;
	// phpcs:ignore WordPress.DB.DirectDatabaseQuery
	$wpdb->query( "DELETE FROM $wpdb->options WHERE option_name = 'alsolike' OR option_name LIKE 'alsolike\_%' OR option_name LIKE '\_transient\_alsolike\_%' OR option_name LIKE '\_transient\_timeout\_alsolike\_%'" );
	wp_clear_scheduled_hook( 'alsolike_drain' );
	wp_clear_scheduled_hook( 'alsolike_hourly' );
	wp_cache_delete( 'alloptions', 'options' );
	if ( is_multisite() ) {
		restore_current_blog();
	}
}
