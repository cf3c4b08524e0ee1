<?php
/**
 * Plugin Name:       AlsoLike Related Articles
 * Description:       Shows the related articles of your own AlsoLike service, and tells it at once what is published, edited and unpublished.
 * Version:           0.1.0
 * Requires at least: 6.1
 * Requires PHP:      7.4
 * Author:            The AlsoLike contributors
 * License:           GPL-2.0-or-later
 * License URI:       https://www.gnu.org/licenses/gpl-2.0.html
 * Text Domain:       alsolike
 * Domain Path:       /languages
 *
 * @package AlsoLike
 */

namespace AlsoLike;

defined( 'ABSPATH' ) || exit;

const VERSION = '0.1.0';

require __DIR__ . '/includes/service.php';
require __DIR__ . '/includes/record.php';
require __DIR__ . '/includes/cards.php';
require __DIR__ . '/includes/queue.php';
require __DIR__ . '/includes/settings.php';
require __DIR__ . '/includes/decisions.php';

/**
 * Returns one of the plugin's settings.
 *
 * @param string $name Its name.
 * @return mixed Its value, or the default.
 */
function setting( $name ) {
	$stored = get_option( 'alsolike' );
	return ( is_array( $stored ) ? $stored : array() )[ $name ] ?? array(
		'address'      => '',
		'token'        => '',
		'editor_token' => '',
		'limit'        => 6,
		'heading'      => '',
		'look'         => 'cards',
		'append'       => true,
		'types'        => array( 'post' ),
		'types_before' => array(),
	)[ $name ];
}

/**
 * Returns the types of posts that are or were chosen.
 *
 * @return string[] Their names.
 */
function types_ever() {
	return array_values( array_unique( array_merge( (array) setting( 'types' ), (array) setting( 'types_before' ) ) ) );
}

add_action(
	'init',
	static function () {
		load_plugin_textdomain( 'alsolike', false, dirname( plugin_basename( __FILE__ ) ) . '/languages' );
	},
	5 // Before the block is named.
);
register_deactivation_hook(
	__FILE__,
	static function () {
		wp_clear_scheduled_hook( DRAIN );
		wp_clear_scheduled_hook( HOURLY );
	}
);
