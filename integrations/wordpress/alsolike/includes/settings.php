<?php
/**
 * The page Settings, AlsoLike.
 *
 * @package AlsoLike
 */

namespace AlsoLike;

defined( 'ABSPATH' ) || exit;

/**
 * Brings what was entered into the form of the settings.
 *
 * @param mixed $given What was entered.
 * @return array The settings.
 */
function clean_settings( $given ) {
	$given   = is_array( $given ) ? $given : array();
	$address = esc_url_raw( trim( (string) ( $given['address'] ?? '' ) ), array( 'http', 'https' ) );
	if ( '' !== $address && ! wp_parse_url( $address, PHP_URL_HOST ) ) {
		add_settings_error( 'alsolike', 'address', __( 'The address must be like https://related.example.org.', 'alsolike' ) );
		$address = setting( 'address' );
	}
	$types = array_values( array_intersect( array_map( 'sanitize_key', (array) ( $given['types'] ?? array() ) ), get_post_types( array( 'public' => true ) ) ) );
	$clean = array(
		'address' => untrailingslashit( $address ),
		'limit'   => min( LIST_LENGTH, max( 1, (int) ( $given['limit'] ?? 6 ) ) ),
		'heading' => sanitize_text_field( (string) ( $given['heading'] ?? '' ) ),
		'look'    => in_array( $given['look'] ?? '', array( 'theme', 'browser' ), true ) ? $given['look'] : 'cards',
		'append'  => ! empty( $given['append'] ),
		'types'   => $types ? $types : array( 'post' ),
	);
	$clean['types_before'] = array_values( array_diff( types_ever(), $clean['types'] ) );
	foreach ( array( 'token', 'editor_token' ) as $name ) { // Never shown again: an empty field keeps what is stored.
		$entered        = preg_replace( '/[^\x21-\x7e]/', '', (string) ( $given[ $name ] ?? '' ) );
		$clean[ $name ] = empty( $given['forget'] ) ? ( '' !== $entered ? $entered : setting( $name ) ) : '';
	}
	delete_transient( AWAY );
	delete_option( WAIT );
	return $clean;
}

/**
 * Asks the service whether it can be used as it is set up.
 *
 * @return array<array{bool, string}> Whether each thing is in order, and what to say of it.
 */
function check_service() {
	$alive = request( 'GET', 'livez', array(), null, '' );
	if ( 200 === $alive['status'] && 'alive' !== ( $alive['body']['status'] ?? '' ) ) {
		return array( array( false, __( 'Something answers at this address, but not AlsoLike.', 'alsolike' ) ) );
	}
	if ( 200 !== $alive['status'] ) {
		/* translators: %s: what was wrong. */
		return array( array( false, sprintf( __( 'The service does not answer: %s. Is it started, and can this server reach the address?', 'alsolike' ), $alive['detail'] ) ) );
	}
	$found = array( array( true, __( 'The service answers.', 'alsolike' ) ) );
	$ready = request( 'GET', 'readyz', array(), null, '' );
	if ( 200 !== $ready['status'] ) {
		$told = request( 'GET', 'v1/articles/pushed' );
		/* translators: %s: what was wrong. */
		$first = __( 'It shows no lists yet: %s. Send all posts, below, and run “alsolike watch” beside it.', 'alsolike' );
		/* translators: %s: what was wrong. */
		$next    = __( 'It shows no lists yet: %s. It has your posts: “alsolike watch”, run beside it, makes the first lists.', 'alsolike' );
		$found[] = array( false, sprintf( empty( $told['body']['items'] ) ? $first : $next, $ready['detail'] ) );
	}
	$asked = array(
		'token'        => array( 'v1/articles/pushed', array( 'after' => 2 ** 53 ), __( 'The token may push.', 'alsolike' ), 'publisher' ),
		'editor_token' => array( 'v1/takedowns', array( 'offset' => 2 ** 53 ), __( 'The editor token may decide.', 'alsolike' ), 'editor' ),
	);
	foreach ( $asked as $name => list( $path, $query, $good, $role ) ) {
		if ( ! setting( $name ) ) {
			if ( 'token' === $name ) {
				$found[] = array( false, __( 'No token yet: the service learns of posts only by its own source.', 'alsolike' ) );
			}
			continue;
		}
		$answer = request( 'GET', $path, $query, null, $name );
		$works  = 200 === $answer['status'] && is_array( $answer['body']['items'] ?? null );
		$bad    = $answer['detail'];
		if ( in_array( $answer['status'], array( 401, 403 ), true ) ) {
			/* translators: 1: what the service said, 2: a command. */
			$bad = sprintf( __( 'The service refuses the token: %1$s. Make one with: %2$s', 'alsolike' ), $bad, "alsolike tokens add wordpress --role $role" );
		}
		$found[] = array( $works, $works ? $good : $bad );
	}
	return $found;
}

/**
 * Prints the page.
 */
function print_page() {
	$wait = get_option( WAIT );
	?>
	<div class="wrap">
		<h1><?php esc_html_e( 'AlsoLike related articles', 'alsolike' ); ?></h1>
		<form action="options.php" method="post">
			<?php settings_fields( 'alsolike' ); ?>
			<table class="form-table" role="presentation">
				<?php
				print_row( 'address', __( 'Address of the service', 'alsolike' ), 'url', setting( 'address' ), 'https://related.example.org' );
				$kept = __( 'stored; empty keeps it', 'alsolike' );
				print_row( 'token', __( 'Token (role publisher)', 'alsolike' ), 'password', '', setting( 'token' ) ? $kept : '' );
				print_row( 'editor_token', __( 'Token (role editor), for the boxes beside posts', 'alsolike' ), 'password', '', setting( 'editor_token' ) ? $kept : '' );
				print_row( 'forget', __( 'Forget both tokens', 'alsolike' ), 'checkbox', false );
				print_row( 'limit', __( 'How many articles', 'alsolike' ), 'number', setting( 'limit' ) );
				print_row( 'heading', __( 'Heading', 'alsolike' ), 'text', setting( 'heading' ), card_words()['heading'] );
				print_row( 'append', __( 'Show them at the end of each post', 'alsolike' ), 'checkbox', setting( 'append' ) );
				?>
				<tr>
					<th scope="row"><label for="alsolike-look"><?php esc_html_e( 'Look', 'alsolike' ); ?></label></th>
					<td><select id="alsolike-look" name="alsolike[look]">
						<option value="cards"><?php esc_html_e( 'Cards', 'alsolike' ); ?></option>
						<option value="theme" <?php selected( setting( 'look' ), 'theme' ); ?>><?php esc_html_e( 'The theme’s list of posts', 'alsolike' ); ?></option>
						<option value="browser" <?php selected( setting( 'look' ), 'browser' ); ?>><?php esc_html_e( 'Cards that readers’ browsers fetch, where pages are kept by a cache', 'alsolike' ); ?></option>
					</select></td>
				</tr>
				<tr>
					<th scope="row"><?php esc_html_e( 'Types of posts', 'alsolike' ); ?></th>
					<td>
						<?php foreach ( get_post_types( array( 'public' => true ), 'objects' ) as $type ) : ?>
							<?php if ( 'attachment' !== $type->name ) : ?>
								<label><input type="checkbox" name="alsolike[types][]" value="<?php echo esc_attr( $type->name ); ?>" <?php checked( in_array( $type->name, (array) setting( 'types' ), true ) ); ?>> <?php echo esc_html( $type->label ); ?></label><br>
							<?php endif; ?>
						<?php endforeach; ?>
					</td>
				</tr>
			</table>
			<?php submit_button(); ?>
		</form>
		<?php if ( setting( 'address' ) ) : ?>
			<h2><?php esc_html_e( 'Check', 'alsolike' ); ?></h2>
			<ul id="alsolike-check">
				<?php foreach ( check_service() as list( $good, $text ) ) : ?>
					<li><?php echo esc_html( ( $good ? '✓ ' : '✗ ' ) . $text ); ?></li>
				<?php endforeach; ?>
				<?php /* translators: %s: a number of posts. */ ?>
				<li><?php echo esc_html( sprintf( __( 'Posts that wait to be sent: %s', 'alsolike' ), number_format_i18n( waiting() ) ) ); ?></li>
				<?php if ( is_array( $wait ) ) : ?>
					<?php /* translators: 1: what was wrong, 2: a time. */ ?>
					<li><?php echo esc_html( sprintf( __( 'The last try failed: %1$s. The next is at %2$s.', 'alsolike' ), $wait['detail'], wp_date( get_option( 'time_format' ), $wait['until'] ) ) ); ?></li>
				<?php endif; ?>
				<?php foreach ( (array) get_option( PROBLEMS, array() ) as $post_id => $detail ) : ?>
					<?php /* translators: 1: a post's title, 2: the reason. */ ?>
					<li><a href="<?php echo esc_url( (string) get_edit_post_link( $post_id ) ); ?>"><?php echo esc_html( sprintf( __( 'The service refused “%1$s”: %2$s', 'alsolike' ), title_of( (string) $post_id ), $detail ) ); ?></a></li>
				<?php endforeach; ?>
			</ul>
			<form action="<?php echo esc_url( admin_url( 'admin-post.php' ) ); ?>" method="post">
				<input type="hidden" name="action" value="alsolike_send_all">
				<?php
				wp_nonce_field( 'alsolike_send_all' );
				submit_button( __( 'Send all posts', 'alsolike' ), 'secondary' );
				?>
			</form>
		<?php endif; ?>
	</div>
	<?php
}

/**
 * Prints one row of the form.
 *
 * @param string $name        The setting.
 * @param string $label       What it is.
 * @param string $type        The field's type.
 * @param mixed  $value       Its value.
 * @param string $placeholder What an empty field shows.
 */
function print_row( $name, $label, $type, $value, $placeholder = '' ) {
	$box = 'checkbox' === $type;
	?>
	<tr>
		<th scope="row"><label for="alsolike-<?php echo esc_attr( $name ); ?>"><?php echo esc_html( $label ); ?></label></th>
		<td><input id="alsolike-<?php echo esc_attr( $name ); ?>" name="alsolike[<?php echo esc_attr( $name ); ?>]" type="<?php echo esc_attr( $type ); ?>"
			value="<?php echo esc_attr( $box ? '1' : $value ); ?>" placeholder="<?php echo esc_attr( $placeholder ); ?>" autocomplete="off" <?php echo $box ? '' : 'class="regular-text"'; ?> <?php checked( $box && $value ); ?>></td>
	</tr>
	<?php
}

add_action(
	'admin_init',
	static function () {
		register_setting( 'alsolike', 'alsolike', array( 'sanitize_callback' => __NAMESPACE__ . '\clean_settings' ) );
	}
);
add_action(
	'admin_menu',
	static function () {
		add_options_page( __( 'AlsoLike related articles', 'alsolike' ), 'AlsoLike', 'manage_options', 'alsolike', __NAMESPACE__ . '\print_page' );
	}
);
add_filter(
	'plugin_action_links_alsolike/alsolike.php',
	static function ( $links ) {
		$link = '<a href="' . esc_url( admin_url( 'options-general.php?page=alsolike' ) ) . '">' . esc_html__( 'Settings', 'alsolike' ) . '</a>';
		return array_merge( array( $link ), $links );
	}
);
add_action(
	'admin_post_alsolike_send_all',
	static function () {
		check_admin_referer( 'alsolike_send_all' );
		if ( ! current_user_can( 'manage_options' ) ) {
			wp_die( esc_html__( 'You may not do this.', 'alsolike' ), 403 );
		}
		mark_all();
		delete_option( WAIT ); // Whoever asks has mended what was wrong.
		$marked = waiting();
		drain( 10 );
		/* translators: %s: a number of posts. */
		$text = sprintf( __( 'Posts sent: %s', 'alsolike' ), number_format_i18n( max( 0, $marked - waiting() ) ) );
		add_settings_error( 'alsolike', 'sent', $text, 'info' );
		set_transient( 'settings_errors', get_settings_errors(), 30 ); // As the forms of WordPress' own settings tell.
		wp_safe_redirect( admin_url( 'options-general.php?page=alsolike&settings-updated=true' ) );
		exit;
	}
);
add_action(
	'admin_notices',
	static function () {
		$wait = get_option( WAIT );
		if ( is_array( $wait ) && $wait['tries'] > 3 && current_user_can( 'manage_options' ) ) {
			/* translators: %s: what was wrong. */
			$text = sprintf( __( 'AlsoLike: changes of posts can’t be sent: %s. They wait, and are sent as soon as it works.', 'alsolike' ), $wait['detail'] );
			echo '<div class="notice notice-warning"><p>' . esc_html( $text ) . '</p></div>';
		}
	}
);
